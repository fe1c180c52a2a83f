import type { Queue } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { readFailure } from '../../src/bridge/index.js';
import { isAlive } from '../support/processes.js';
import type { PythonWorker, WorkerSettings } from '../support/python-worker.js';
import { useSystem } from '../support/system.js';
import { waitFor } from '../support/wait-for.js';
import { addMany, completedCount, eventsOf, expectEachExactlyOnce, hashOf, settled } from './queue-state.js';
import { type ProxiedConnection, type RedisProxy, useProxies } from './redis-proxy.js';
import { type Stage, useStages } from './stage.js';

const system = useSystem();
const newStage = useStages();
const newProxy = useProxies(system.url);

/** Enough for children to have lines of their own for most of them. */
const MANY = 600;

describe.concurrent('a child that ends short jobs over a line of its own', () => {
  it('runs and completes each job once, and the engine tells of each in order', async () => {
    const { queue, stage, worker, lines } = await busy({}, { LISTEN: '1' });
    const ids = await addMany(queue, 'work', MANY);
    await completedCount(queue, MANY);
    await worker.stop();
    expect(lines()).toBeGreaterThan(0);
    await expectEachExactlyOnce(system.redis, queue, stage, ids);
    expect(tellings(stage)).toEqual(Object.fromEntries(ids.map((id) => [id, ['active', 'completed']])));
  });

  it('leaves a job that has reported anything to the engine, so that all of it is there before its end', async () => {
    const { queue, stage, worker } = await busy();
    const ids: string[] = [];
    for (let round = 0; round < 30; round++) {
      ids.push(...(await addMany(queue, 'work', 5)), ...(await addMany(queue, 'say', 5, { steps: 3 })));
    }
    await completedCount(queue, ids.length);
    await worker.stop();
    await expectEachExactlyOnce(system.redis, queue, stage, ids);
    const ended = new Set<string>();
    for (const { event, jobId = '' } of await eventsOf(system.redis, queue)) {
      if (event === 'completed') ended.add(jobId);
      if (event === 'progress') expect(ended.has(jobId), `progress of ${jobId} after its end`).toBe(false);
    }
    for (const { id = '', name } of await queue.getCompleted()) {
      if (name === 'say') expect((await queue.getJobLogs(id)).logs).toEqual(['step 0', 'step 1', 'step 2']);
    }
  });

  it('and then reports faster than Redis takes it must wait, as any other', async () => {
    const { queue, stage, worker } = await busy({ concurrency: 1 });
    await completedCount(queue, (await addMany(queue, 'work', 50)).length);
    const steps = 20_000;
    const [id = ''] = await addMany(queue, 'say', 1, { steps });
    await waitFor('its last report', () => stage.lines('said')[0]);
    expect(Number(await system.redis.hget(queue.toKey(id), 'progress'))).toBeGreaterThan(steps - 5_000);
    await settled(queue, id);
    await worker.stop();
  });

  it('leaves a job to the engine whose options cannot be followed', async () => {
    const { queue, worker } = await busy({ concurrency: 1 });
    await completedCount(queue, (await addMany(queue, 'work', 50)).length);
    await queue.pause();
    const [id = ''] = await addMany(queue, 'work', 1);
    // (a number that msgpack does not have)
    await system.redis.hset(queue.toKey(id), 'opts', '{"removeOnComplete":100000000000000000000}');
    await queue.resume();
    expect(await (await settled(queue, id)).getState()).toBe('completed');
    expect(worker.log).toContain(`job ${id}: its options cannot be followed`);
    await worker.stop();
  });

  it.each(['os-exit', 'segfault'])('and dies of a job (%s) fails that job as crashed, and no other', async (how) => {
    const { queue, stage, worker } = await busy({ concurrency: 2 });
    const well: string[] = [];
    const bad: string[] = [];
    for (let round = 0; round < 8; round++) {
      well.push(...(await addMany(queue, 'work', 60)));
      bad.push(...(await addMany(queue, 'misbehave', 1, { how })));
    }
    await waitFor('the end of all', async () => (await unfinished(queue)) === 0, { timeoutMs: 30_000 });
    await worker.stop();
    expect(await queue.getCompletedCount()).toBe(well.length);
    for (const id of bad) {
      const job = await settled(queue, id);
      expect(await readFailure(system.redis, job)).toMatchObject({ kind: 'crashed', attempt: 1 });
    }
    expectOneRunEach(stage, [...well, ...bad]);
    await expectNothingLeft(queue, [...well, ...bad]);
  });

  it('and dies before it has taken the line leaves no trace of it', async () => {
    const queue = system.queue();
    const ids: string[] = [];
    for (let round = 0; round < 4; round++) {
      ids.push(...(await addMany(queue, 'work', 1)), ...(await addMany(queue, 'misbehave', 1, { how: 'os-exit' })));
    }
    const settings = { queue: queue.name, redis_url: system.url, concurrency: 1 };
    const worker = await system.startWorker('faults_worker.py', settings, newStage().env);
    for (const id of ids) await settled(queue, id);
    await worker.stop();
    expect(worker.log).not.toContain('Exception in callback');
  });

  it('and is killed at any moment, again and again, loses no job and runs none twice', async () => {
    const { queue, stage, worker } = await busy();
    const ids = await addMany(queue, 'work', 1_500);
    const killed = new Set<number>();
    await waitFor(
      'the end of all',
      async () => {
        const runs = stage.runs();
        const victim = runs.at(-1)?.pid ?? 0;
        // (one that has run some jobs by itself)
        if (!killed.has(victim) && runs.filter(({ pid }) => pid === victim).length > 20 && isAlive(victim)) {
          killed.add(victim);
          process.kill(victim, 'SIGKILL');
        }
        return (await unfinished(queue)) === 0;
      },
      { timeoutMs: 50_000, state: () => queue.getJobCounts() },
    );
    await worker.stop();
    expect(killed.size).toBeGreaterThan(5);
    const failed = await queue.getFailed();
    for (const job of failed) expect(await readFailure(system.redis, job)).toMatchObject({ kind: 'crashed' });
    expect((await queue.getCompletedCount()) + failed.length).toBe(ids.length);
    expect(failed.length).toBeLessThanOrEqual(killed.size);
    expectOneRunEach(
      stage,
      ids,
      failed.map(({ id }) => id as string),
    );
    await expectNothingLeft(queue, ids);
  });

  it('stops with its worker at once, and hands back at most what was on its way', async () => {
    const { queue, stage, worker } = await busy();
    const ids = await addMany(queue, 'work', 4_000);
    await waitFor('jobs to run', () => stage.runs().length > 200);
    await worker.stop();
    const completed = await queue.getCompletedCount();
    expect(completed).toBeLessThan(ids.length);
    expect(stage.runs()).toHaveLength(completed);
    expect((await queue.getWaitingCount()) + completed).toBe(ids.length);
    expect(await queue.getActiveCount()).toBe(0);
  });

  it('pauses and goes on with its worker', async () => {
    const { queue, stage, worker } = await busy();
    const ids = await addMany(queue, 'work', 1_500);
    await waitFor('jobs to run', () => stage.runs().length > 100);
    worker.signal('SIGTSTP');
    await worker.waitForLog(/no more jobs are fetched/);
    await waitFor('the last ends', async () => (await queue.getActiveCount()) === 0);
    const runs = stage.runs().length;
    expect(runs).toBeLessThan(ids.length);
    expect(runs).toBe(await queue.getCompletedCount());
    worker.signal('SIGCONT');
    await completedCount(queue, ids.length);
    await worker.stop();
    expectOneRunEach(stage, ids);
  });

  it('is replaced after its number of jobs', async () => {
    const { queue, stage, worker } = await busy({ max_jobs_per_child: 50 });
    const ids = await addMany(queue, 'work', MANY);
    await completedCount(queue, MANY);
    await worker.stop();
    await expectEachExactlyOnce(system.redis, queue, stage, ids);
    const byChild = new Map<number, number>();
    for (const { pid } of stage.runs()) byChild.set(pid, (byChild.get(pid) ?? 0) + 1);
    expect(Math.max(...byChild.values())).toBeLessThanOrEqual(50);
    // (up to a fifth less, so that children are not all replaced together)
    expect(byChild.size).toBeLessThanOrEqual(MANY / 40 + 2);
  });

  it('lets the engine go on with a schedule whose job came over its line', async () => {
    const { queue, stage, worker } = await busy();
    await queue.upsertJobScheduler('often', { every: 50 }, { name: 'work', data: {} });
    const ids = await addMany(queue, 'work', 2_000, { ms: 1 });
    await completedCount(queue, ids.length);
    await waitFor('iterations', () => stage.runs().filter(({ id }) => id.startsWith('repeat:')).length > 5);
    await queue.removeJobScheduler('often');
    await worker.stop();
    expectOneRunEach(stage, ids);
  });

  it('does not begin a job that waits for its children while that still runs in another slot', async () => {
    const { queue, stage, worker } = await busy({ concurrency: 3 });
    const parents: string[] = [];
    for (let round = 0; round < 10; round++) {
      // It runs, with a child to wait for; the child ends before the parent has left its slot.
      const parent = await queue.add('await-children', { leaves_in_ms: 60 }, { delay: 20 });
      const itself = { id: parent.id as string, queue: queue.toKey('').slice(0, -1) };
      await queue.add('work', {}, { parent: itself, delay: 40 });
      await addMany(queue, 'work', 100);
      parents.push(parent.id as string);
    }
    for (const id of parents) expect(await (await settled(queue, id)).getState()).toBe('completed');
    await worker.stop();
    for (const id of parents) {
      const remarks = stage.runs(id).map(({ remark }) => remark);
      expect(remarks, `runs of ${id}`).toEqual(remarks.map((_, index) => (index % 2 === 0 ? 'enters' : 'leaves')));
    }
  });

  it('is not given one for jobs with a time limit, which then can be stopped at any moment', async () => {
    const { queue, worker, lines } = await busy({ time_limit_s: 30 });
    await addMany(queue, 'work', MANY);
    await completedCount(queue, MANY);
    expect(lines()).toBe(0);
    await worker.stop();
  });

  it('that loses it with a server process that is gone lets alone who has its client id now', async () => {
    const { queue, worker, proxy } = await busy({ concurrency: 1 });
    // Lines that are opened from here on are of another process than the engine's connection, as after a restart.
    proxy.onConnection = (connection) => {
      connection.passReplies = (replies) =>
        Buffer.from(replies.toString('latin1').replace(/run_id:\w{8}/, 'run_id:gone-gon'), 'latin1');
    };
    await completedCount(queue, (await addMany(queue, 'work', 50)).length);
    const killings: Buffer[] = [];
    const commands = proxy.current('commands') as ProxiedConnection;
    commands.passCommand = (command) => {
      if (command.includes('KILL')) killings.push(command);
      return true;
    };
    proxy.current('line')?.cut();
    const [id = ''] = await addMany(queue, 'work', 1);
    await settled(queue, id);
    await worker.stop();
    expect(worker.log).toContain('has lost its line to Redis');
    expect(killings).toEqual([]);
  });

  it('whose job has lost its lock is stopped', async () => {
    const { queue, stage, worker } = await busy({ lock_duration_ms: 2_000, concurrency: 1 });
    await addMany(queue, 'work', 100);
    const [id = ''] = await addMany(queue, 'hold', 1, { sign: 'never' });
    const run = await waitFor('the long job', () => stage.runs(id)[0]);
    await system.redis.del(queue.toKey(`${id}:lock`));
    await worker.waitForLog(/is not ours any more/);
    await waitFor('its process to be gone', () => !isAlive(run.pid));
    await queue.obliterate({ force: true });
    await worker.stop();
  });
});

interface Busy {
  readonly queue: Queue;
  readonly stage: Stage;
  readonly worker: PythonWorker;
  readonly proxy: RedisProxy;
  /** How many lines of their own children have had. */
  readonly lines: () => number;
}

async function busy(settings: Partial<WorkerSettings> = {}, env: Record<string, string> = {}): Promise<Busy> {
  const queue = system.queue();
  const stage = newStage();
  const proxy = await newProxy();
  const all = { queue: queue.name, redis_url: proxy.url, concurrency: 2, ...settings };
  const worker = await system.startWorker('faults_worker.py', all, { ...stage.env, ...env });
  return {
    queue,
    stage,
    worker,
    proxy,
    lines: () => proxy.connections.filter(({ purpose }) => purpose === 'line').length,
  };
}

async function unfinished(queue: Queue): Promise<number> {
  const { waiting = 0, active = 0, delayed = 0, prioritized = 0 } = await queue.getJobCounts();
  return waiting + active + delayed + prioritized;
}

/** What the engine has told of each job, in order. */
function tellings(stage: Stage): Record<string, string[]> {
  const told: Record<string, string[]> = {};
  for (const [id = '', event = ''] of stage.lines('events').map((line) => line.split(' '))) {
    told[id] = [...(told[id] ?? []), event];
  }
  return told;
}

/** That each has run once; those of `killed` once at most, for they may have been killed before their first line. */
function expectOneRunEach(stage: Stage, ids: readonly string[], killed: readonly string[] = []): void {
  const counts = new Map<string, number>();
  for (const { id } of stage.runs()) counts.set(id, (counts.get(id) ?? 0) + 1);
  const wrong = ids
    .map((id) => [id, counts.get(id) ?? 0] as const)
    .filter(([id, count]) => count !== 1 && !(count === 0 && killed.includes(id)));
  expect(wrong, 'jobs that did not run once').toEqual([]);
}

async function expectNothingLeft(queue: Queue, ids: readonly string[]): Promise<void> {
  expect(await unfinished(queue)).toBe(0);
  expect(await system.redis.exists(...ids.map((id) => queue.toKey(`${id}:lock`))), 'locks').toBe(0);
  for (const id of ids) expect(await hashOf(system.redis, queue, id)).not.toHaveProperty('stc');
}
