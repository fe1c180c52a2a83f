import type { Queue } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { readFailure } from '../../src/bridge/index.js';
import { settled } from '../faults/queue-state.js';
import { type Stage, useStages } from '../faults/stage.js';
import { readStream } from '../support/event-stream.js';
import { type StartSettings, useSystem } from '../support/system.js';
import { waitFor } from '../support/wait-for.js';

const system = useSystem();
const newStage = useStages();

interface Place {
  readonly pid: number;
  readonly thread: string;
}

function start(queue: Queue, stage: Stage, settings: Partial<StartSettings> = {}) {
  return system.startWorker('processes_threads.py', { queue: queue.name, concurrency: 1, ...settings }, stage.env);
}

async function result<Result>(queue: Queue, name: string, data: object = {}): Promise<Result> {
  const { id } = await queue.add(name, data);
  return (await settled(queue, id as string)).returnvalue;
}

describe.concurrent('a function', () => {
  it('that is plain runs in a process of its own, unless its job chooses a thread; a coroutine in the engine', async () => {
    const queue = system.queue();
    const stage = newStage();
    stage.putUp('go');
    const worker = await start(queue, stage);
    const [child] = await worker.children();

    expect(await result<Place>(queue, 'hold', { sign: 'go' })).toMatchObject({ pid: child, thread: 'MainThread' });
    const thread = await result<Place>(queue, 'hold-thread', { sign: 'go' });
    expect(thread).toMatchObject({ pid: worker.pid, thread: 'slot-0' });
    const coroutine = await result<Place>(queue, 'hold-async', { sign: 'go' });
    expect(coroutine).toMatchObject({ pid: worker.pid, thread: 'MainThread' });
    await worker.stop();
  });

  it('that is plain runs in a thread where the worker says so, unless its job chooses a process', async () => {
    const queue = system.queue();
    const stage = newStage();
    stage.putUp('go');
    const worker = await start(queue, stage, { pool: 'thread' });
    const [child] = await worker.children();

    expect(await result<Place>(queue, 'hold', { sign: 'go' })).toMatchObject({ pid: worker.pid, thread: 'slot-0' });
    const chosen = await result<Place>(queue, 'hold-process', { sign: 'go' });
    expect(chosen).toMatchObject({ pid: child, thread: 'MainThread' });
    await worker.stop();
  });
});

describe.concurrent('slots', () => {
  it.each([
    ['process', 'hold', 3],
    ['thread', 'hold-thread', 1],
    ['async', 'hold-async', 1],
  ])('of the %s pool: as many jobs run at the same time as there are', async (_, name, places) => {
    const queue = system.queue();
    const stage = newStage();
    const worker = await start(queue, stage, { concurrency: 3 });
    expect(await worker.children()).toHaveLength(3);
    const jobs = await queue.addBulk(Array.from({ length: 7 }, () => ({ name, data: { sign: 'go' } })));
    await waitFor('three running jobs', () => stage.runs().length === 3);
    expect(new Set(stage.runs().map(({ pid }) => pid)).size).toBe(places);

    stage.putUp('go');
    for (const { id } of jobs) await settled(queue, id as string);
    await worker.stop();

    let running = 0;
    let most = 0;
    for (const { event } of await readStream(system.redis, queue)) {
      if (event === 'active') most = Math.max(most, ++running);
      if (event === 'completed') running--;
    }
    expect(most).toBe(3);
  });

  it('are shared by jobs of all pools', async () => {
    const queue = system.queue();
    const stage = newStage();
    const worker = await start(queue, stage, { concurrency: 2 });
    const names = ['hold', 'hold-thread', 'hold-async', 'hold'];
    await queue.addBulk(names.map((name) => ({ name, data: { sign: 'go' } })));
    await waitFor('two running jobs', () => stage.runs().length === 2);
    expect(await queue.getJobCounts('active', 'wait')).toEqual({ active: 2, wait: 2 });
    stage.putUp('go');
    await waitFor('completion', async () => (await queue.getCompletedCount()) === 4);
    await worker.stop();
  });
});

describe.concurrent('setup and teardown', () => {
  it('run once in each child and once in the engine, before the first job and after the last', async () => {
    const queue = system.queue();
    const stage = newStage();
    stage.putUp('go');
    stage.putUp('slow-exit');
    const settings = { queue: queue.name, concurrency: 2 };
    // Without this a process holds back what it prints until its end.
    const env = { ...stage.env, PYTHONUNBUFFERED: '' };
    const worker = await system.startWorker('processes_threads.py', settings, env);
    const pids = [worker.pid, ...(await worker.children())].map(String).sort();
    expect(stage.lines('setups').sort()).toEqual(pids);
    for (const name of ['hold', 'hold', 'hold-thread', 'hold-async']) await result(queue, name, { sign: 'go' });
    expect(stage.lines('teardowns')).toEqual([]);

    await worker.stop();

    expect(stage.lines('setups').sort()).toEqual(pids);
    expect(stage.lines('teardowns').sort()).toEqual(pids);
    // What a process prints at its very end is not lost with it.
    expect(worker.log.match(/printed by the teardown/g)).toHaveLength(3);
    expect(worker.log.match(/printed at exit/g)).toHaveLength(3);
  });

  it('may raise at the end: that is said, and the worker ends well', async () => {
    const queue = system.queue();
    const stage = newStage();
    stage.putUp('teardown-fails');
    const worker = await start(queue, stage);
    await worker.stop();
    expect(
      worker.log.match(/teardown of [^\n]* raised\nTraceback.*?RuntimeError: already disconnected/gs),
    ).toHaveLength(2);
  });

  it('may hang at the end: the process is killed, and the worker ends well', async () => {
    const queue = system.queue();
    const stage = newStage();
    const worker = await start(queue, stage, { max_jobs_per_child: 1 });
    stage.putUp('teardown-hangs');
    const first = await result<number>(queue, 'work');
    const second = await result<number>(queue, 'work');
    expect(second).not.toBe(first);
    expect(worker.log).toMatch(new RegExp(`process ${first} did not leave within 5 s: it is killed`));
    stage.takeDown('teardown-hangs');
    stage.putUp('never');
    await worker.stop();
  });

  it.each(['context', 'context-thread', 'context-async'])(
    'fill context variables for every job; what a job puts there is gone after it (%s)',
    async (name) => {
      const queue = system.queue();
      const worker = await start(queue, newStage());
      expect(await result(queue, name)).toEqual(['connected', 'none']);
      expect(await result(queue, name)).toEqual(['connected', 'none']);
      await worker.stop();
    },
  );
});

describe.concurrent('a job in a process slot', () => {
  it('returns results of many MiB', async () => {
    const queue = system.queue();
    const worker = await start(queue, newStage(), { concurrency: 2 });
    const bytes = 6 << 20;
    const results = await Promise.all([0, 1].map(() => result<string>(queue, 'large', { bytes })));
    for (const text of results) expect(text).toBe('x'.repeat(bytes));
    await worker.stop();
  });

  it('whose result cannot be encoded fails for good, having run once', async () => {
    const queue = system.queue();
    const stage = newStage();
    const worker = await start(queue, stage);
    const { id } = await queue.add('no-json', {}, { attempts: 3 });
    const failed = await settled(queue, id as string);
    expect(await failed.getState()).toBe('failed');
    expect(await readFailure(system.redis, failed)).toMatchObject({ kind: 'contract_violation', paths: ['/names'] });
    await worker.stop();
    expect(stage.runs()).toHaveLength(1);
  });

  it('that floods progress and log holds up neither the other slot nor the renewal of locks', async () => {
    const queue = system.queue();
    const stage = newStage();
    const settings = { concurrency: 2, lock_duration_ms: 2_000, stalled_interval_ms: 500 };
    const worker = await start(queue, stage, settings);
    const { id = '' } = await queue.add('flood', { 'at least': 20_000 }, { keepLogs: 10 });
    await waitFor('the flood', async () => (await queue.getJobLogs(id)).count > 0);
    for (let count = 0; count < 20; count++) await result(queue, 'work');
    stage.putUp('enough');

    const flooded = await settled(queue, id, 50_000);
    const count = flooded.returnvalue as number;
    // All that was reported before the end is there before the end.
    expect(flooded.progress).toBe(count - 1);
    expect((await queue.getJobLogs(id)).logs.at(-1)).toBe(`line ${count - 1}`);
    await worker.stop();
    expect(stage.runs(id)).toHaveLength(1);
    expect(worker.log).not.toMatch(/is not ours any more/);
  });

  it('passes its pipes to none of the programs that it starts', async () => {
    const queue = system.queue();
    const worker = await start(queue, newStage());
    expect(await result(queue, 'inherited-pipes')).toEqual([]);
    await worker.stop();
  });

  it('can use multiprocessing with forks', async () => {
    const queue = system.queue();
    const stage = newStage();
    const worker = await start(queue, stage);
    for (let run = 0; run < 3; run++) expect(await result(queue, 'multiply')).toBe(4950);
    expect(await result(queue, 'terminate-fork')).toBe(-15);
    await worker.stop();
    expect(new Set(stage.runs().map(({ pid }) => pid)).size).toBe(1);
  });
});
