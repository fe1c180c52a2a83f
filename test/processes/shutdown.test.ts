import type { JobsOptions, Queue } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { isAck } from '../faults/losses.js';
import { completedCount, hashOf, settled } from '../faults/queue-state.js';
import { type ProxiedConnection, useProxies } from '../faults/redis-proxy.js';
import { type Stage, useStages } from '../faults/stage.js';
import { isAlive } from '../support/processes.js';
import { type StartSettings, useSystem } from '../support/system.js';
import { waitFor } from '../support/wait-for.js';
import { expectHandedBack, expectNothingHeld } from './hand-back.js';

const system = useSystem();
const newStage = useStages();
const newProxy = useProxies(system.url);

// A worker that misses a wake-up then sleeps on, instead of finding the job a few seconds later.
const NEVER_POLLS = { drain_delay_s: 600 };

function start(queue: Queue, stage: Stage, settings: Partial<StartSettings> = {}, fixture = 'processes_threads.py') {
  return system.startWorker(fixture, { queue: queue.name, concurrency: 2, ...settings }, stage.env);
}

async function running(queue: Queue, stage: Stage, jobs: readonly [string, object, JobsOptions?][]): Promise<string[]> {
  const added = await queue.addBulk(jobs.map(([name, data, opts = {}]) => ({ name, data, opts })));
  const ids = added.map(({ id }) => id as string);
  await waitFor('all jobs to run', () => ids.every((id) => stage.runs(id).length > 0), { state: () => stage.runs() });
  return ids;
}

describe.concurrent('SIGTERM and SIGINT', () => {
  it.each<[NodeJS.Signals, string]>([
    ['SIGTERM', 'hold'],
    ['SIGINT', 'hold'],
    ['SIGTERM', 'hold-thread'],
    ['SIGTERM', 'hold-async'],
  ])('(%s) let a job (%s) that runs finish, and start no other', async (signal, name) => {
    const queue = system.queue();
    const stage = newStage();
    const worker = await start(queue, stage, { concurrency: 1 });
    const [id = ''] = await running(queue, stage, [[name, { sign: 'go' }]]);
    const waiting = await queue.add('work', {});
    worker.signal(signal);
    await worker.waitForLog(new RegExp(`${signal}: no more jobs are fetched`));
    stage.putUp('go');

    expect(await worker.ended()).toBe(0);
    expect(await queue.getJobState(id)).toBe('completed');
    expect(await queue.getJobState(waiting.id as string)).toBe('waiting');
    expect(await hashOf(system.redis, queue, waiting.id as string)).not.toHaveProperty('ats');
    await expectNothingHeld(system, queue);
  });

  it('end an idle worker at once, however long it would have waited for a job or for running ones', async () => {
    const queue = system.queue();
    const worker = await start(queue, newStage(), { ...NEVER_POLLS, shutdown_timeout_s: 600 });
    await system.workerIsIdle(queue.name);
    worker.signal('SIGTERM');
    expect(await worker.ended()).toBe(0);
    expect(worker.log).not.toMatch(/WARNING|ERROR/);
    expect(await queue.getWorkers()).toEqual([]);
  });

  it.each([
    ['process', 'stubborn', 3],
    ['async', 'stubborn-async', 3],
  ])(
    'stop at the deadline what runs in %s slots, hand it back uncharged, and end with code 3',
    async (_, name, code) => {
      const queue = system.queue();
      const stage = newStage();
      const worker = await start(queue, stage, { shutdown_timeout_s: 0.3 });
      const children = await worker.children();
      const ids = await running(queue, stage, [
        [name, {}, { attempts: 3 }],
        [name, {}, { priority: 7 }],
      ]);
      worker.signal('SIGTERM');

      expect(await worker.ended()).toBe(code);
      await expectHandedBack(system, queue, ids);
      for (const pid of children) expect(isAlive(pid)).toBe(false);
      // Nobody starts a process for a worker that ends.
      expect(stage.lines('setups')).toHaveLength(3);
    },
  );

  it.each(['hold-thread', 'deaf-async'])(
    'hand back at the deadline what nobody can stop (%s), and end the process at once',
    async (name) => {
      const queue = system.queue();
      const stage = newStage();
      const worker = await start(queue, stage, { shutdown_timeout_s: 0.3, lock_duration_ms: 1_000 });
      const ids = await running(queue, stage, [
        [name, { sign: 'never' }],
        ['hold', { sign: 'never' }],
      ]);
      worker.signal('SIGTERM');
      expect(await worker.ended()).toBe(3);
      await expectHandedBack(system, queue, ids);
    },
  );

  it('hand back a job only when the process that ran it is gone', async () => {
    const queue = system.queue();
    const stage = newStage();
    const settings = { concurrency: 1, shutdown_timeout_s: 0.3, ...NEVER_POLLS };
    const worker = await start(queue, stage, settings, 'faults_worker.py');
    const [id = ''] = await running(queue, stage, [['stuck', {}]]);
    const other = await start(queue, stage, { ...settings, name: 'other' }, 'faults_worker.py');
    await system.workerIsIdle(queue.name, 'other');
    worker.signal('SIGTERM');
    await settled(queue, id);
    // The second run notes which processes of earlier runs exist.
    expect(stage.runs(id).map(({ remark }) => remark)).toEqual(['', '']);
    expect(await worker.ended()).toBe(3);
    await other.stop();
  });

  it('hand back unstarted what an ack on its way still brings', async () => {
    const queue = system.queue();
    const stage = newStage();
    const proxy = await newProxy();
    const late: Buffer[] = [];
    proxy.onConnection = (connection) => {
      connection.passCommand = (command) => {
        if (isAck(command)) {
          connection.passReplies = (replies) => {
            late.push(replies);
            return undefined;
          };
        }
        return true;
      };
    };
    const worker = await start(queue, stage, { concurrency: 1, redis_url: proxy.url });
    const [id = ''] = await running(queue, stage, [['hold', { sign: 'go' }]]);
    const brought = await queue.add('work', {}, { priority: 3 });
    stage.putUp('go');
    await waitFor(
      'the next job to be active',
      async () => (await queue.getJobState(brought.id as string)) === 'active',
    );
    worker.signal('SIGTERM');
    await worker.waitForLog(/SIGTERM: no more jobs are fetched/);
    const connection = proxy.current('commands') as ProxiedConnection;
    connection.passCommand = () => true;
    connection.passReplies = (replies) => replies;
    connection.sendToWorker(Buffer.concat(late));

    expect(await worker.ended()).toBe(0);
    expect(await queue.getJobState(id)).toBe('completed');
    await expectHandedBack(system, queue, [brought.id as string]);
    expect(stage.runs(brought.id)).toEqual([]);
  });

  it.each([
    ['prioritised', { priority: 5 }],
    ['plain', {}],
  ])('wake another worker with a %s job that they hand back', async (_, opts) => {
    const queue = system.queue();
    const stage = newStage();
    const worker = await start(queue, stage, { concurrency: 1, shutdown_timeout_s: 0.3, ...NEVER_POLLS });
    const [id = ''] = await running(queue, stage, [['hold', { sign: 'go' }, opts]]);
    const other = await start(queue, stage, { concurrency: 1, name: 'other', ...NEVER_POLLS });
    await system.workerIsIdle(queue.name, 'other');
    worker.signal('SIGTERM');
    await waitFor('the second run', () => stage.runs(id).length === 2);
    stage.putUp('go');
    const done = await settled(queue, id);
    expect(done.processedBy).toBe('other');
    expect(await hashOf(system.redis, queue, id)).toMatchObject({ atm: '1', ats: '2' });
    expect(await worker.ended()).toBe(3);
    await other.stop();
  });

  it('leave nothing active under load, and nothing is lost or run to its end twice', async () => {
    const queue = system.queue();
    const stage = newStage();
    const added = await queue.addBulk(Array.from({ length: 300 }, () => ({ name: 'work', data: {} })));
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const before = stage.runs().length;
      const worker = await start(queue, stage, { shutdown_timeout_s: 10 });
      await waitFor('some runs', () => stage.runs().length > before + 20);
      worker.signal(signal);
      expect(await worker.ended()).toBe(0);
      await expectNothingHeld(system, queue);
    }
    const last = await start(queue, stage);
    await completedCount(queue, added.length);
    await last.stop();
    expect(stage.runs()).toHaveLength(added.length);
  });
});

describe.concurrent('a second signal', () => {
  it('SIGINT, later than a second after the first, stops what runs at once, and ends with code 4', async () => {
    const queue = system.queue();
    const stage = newStage();
    const worker = await start(queue, stage, { shutdown_timeout_s: 600 });
    const ids = await running(queue, stage, [
      ['stubborn', {}],
      ['stubborn-async', {}],
    ]);
    worker.signal('SIGINT');
    const first = Date.now();
    await worker.waitForLog(
      /SIGINT: no more jobs are fetched; another Ctrl-C stops those that run and hands them back/,
    );
    // Within the second it is the same Ctrl-C.
    worker.signal('SIGINT');
    await waitFor('the second to be over', () => Date.now() - first > 1_100);
    expect(worker.log).not.toMatch(/SIGINT again/);
    expect(await queue.getActiveCount()).toBe(2);
    worker.signal('SIGINT');

    expect(await worker.ended()).toBe(4);
    expect(worker.log).toMatch(/SIGINT again: the jobs that run are stopped and handed back/);
    await expectHandedBack(system, queue, ids);
  });

  it('SIGINT right after SIGTERM, as some service managers send it, is ignored', async () => {
    const queue = system.queue();
    const stage = newStage();
    const worker = await start(queue, stage, { shutdown_timeout_s: 600 });
    const [id = ''] = await running(queue, stage, [['hold', { sign: 'go' }]]);
    worker.signal('SIGTERM');
    await worker.waitForLog(/SIGTERM: no more jobs/);
    worker.signal('SIGINT');
    stage.putUp('go');
    expect(await worker.ended()).toBe(0);
    expect(await queue.getJobState(id)).toBe('completed');
  });
});

describe.concurrent('control signals', () => {
  it('SIGTSTP stops fetching while jobs go on, SIGCONT resumes', async () => {
    const queue = system.queue();
    const stage = newStage();
    const worker = await start(queue, stage, NEVER_POLLS);
    const [id = ''] = await running(queue, stage, [['hold', { sign: 'go' }]]);
    worker.signal('SIGTSTP');
    await worker.waitForLog(/no more jobs are fetched/);
    const { id: later = '' } = await queue.add('work', {});
    stage.putUp('go');
    await settled(queue, id);
    expect(await queue.getJobState(later)).toBe('waiting');
    worker.signal('SIGCONT');
    await worker.waitForLog(/jobs are fetched again/);
    expect(await (await settled(queue, later)).getState()).toBe('completed');

    // And the same when it sleeps; SIGTERM ends it while it is stopped.
    await system.workerIsIdle(queue.name);
    worker.signal('SIGTSTP');
    await waitFor('the second stop', () => worker.log.match(/no more jobs are fetched/g)?.length === 2);
    const { id: last = '' } = await queue.add('work', {});
    worker.signal('SIGCONT');
    expect(await (await settled(queue, last)).getState()).toBe('completed');
    worker.signal('SIGTSTP');
    await waitFor('the third stop', () => worker.log.match(/no more jobs are fetched/g)?.length === 3);
    await worker.stop();
    await expectNothingHeld(system, queue);
  });

  it('SIGUSR1 shows what every thread, process and coroutine does', async () => {
    const queue = system.queue();
    const stage = newStage();
    const worker = await start(queue, stage, { concurrency: 3 });
    const ids = await running(queue, stage, [
      ['stubborn', {}],
      ['hold-thread', { sign: 'go' }],
      ['hold-async', { sign: 'go' }],
    ]);
    worker.signal('SIGUSR1');
    for (const name of ['stubborn', 'hold_thread', 'hold_async']) {
      await worker.waitForLog(new RegExp(`File ".*processes_\\w+\\.py", line \\d+,? in ${name}\\n`));
    }
    // They go on.
    stage.putUp('go');
    stage.putUp('never');
    for (const id of ids) expect(await (await settled(queue, id)).getState()).toBe('completed');
    await worker.stop();
  });

  it('SIGUSR1 shows what blocks the event loop', async () => {
    const queue = system.queue();
    const stage = newStage();
    const worker = await start(queue, stage);
    const [id = ''] = await running(queue, stage, [['block-engine', { sign: 'go' }]]);
    worker.signal('SIGUSR1');
    await worker.waitForLog(/File ".*processes_worker\.py", line \d+ in block_engine\n/);
    stage.putUp('go');
    await settled(queue, id);
    await worker.stop();
  });
});
