import type { Job, JobsOptions } from 'bullmq';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { orderOf, readStream } from '../support/event-stream.js';
import { useSystem } from '../support/system.js';
import { waitFor } from '../support/wait-for.js';

const HOUR_MS = 3_600_000;
const BUSY = 'busy';
// A worker that misses a wake-up then sleeps on, instead of finding the job a few seconds later.
const NEVER_POLLS = { drain_delay_s: 600 };

const system = useSystem();
const queue = system.queue();

beforeAll(async () => {
  await system.startWorker('processors.py', { queue: queue.name, concurrency: 1, ...NEVER_POLLS });
});

afterEach(async () => {
  await system.workerIsIdle(queue.name);
  await system.removeKeys(queue.name);
});

/** Keeps the only slot of the worker busy while jobs are added; then they start. */
async function whileBusy(addJobs: () => Promise<unknown>): Promise<void> {
  const gate = `${system.prefix}:gate`;
  await queue.add('hold', { gate }, { jobId: BUSY });
  await system.jobIn('active', queue, BUSY);
  await addJobs();
  await system.redis.rpush(gate, 'open');
}

/** Adds jobs by name while the worker is busy; returns the names in the order of their starts. */
async function startOrder(jobs: readonly [string, JobsOptions][]): Promise<string[]> {
  await whileBusy(async () => {
    for (const [jobId, opts] of jobs) await queue.add('echo', jobId, { jobId, ...opts });
  });
  await completed(jobs.length + 1);
  return starts();
}

/** Waits until so many jobs have completed. */
async function completed(count: number): Promise<void> {
  await waitFor(`completion of ${count} jobs`, async () => (await queue.getCompletedCount()) === count, {
    state: () => queue.getJobCounts(),
  });
}

/** Names of the jobs in the order of their starts, without the one that kept the worker busy. */
async function starts(): Promise<string[]> {
  return ((await orderOf('active', system.redis, queue)) as string[]).filter((id) => id !== BUSY);
}

describe('jobs start', () => {
  test('in the order of their addition', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    expect(await startOrder(names.map((name) => [name, {}]))).toEqual(names);
  });

  test('by priority, 1 first, equal ones in the order of their addition, and those without before all', async () => {
    const order = await startOrder([
      ['low', { priority: 100 }],
      ['normal 1', { priority: 10 }],
      ['high 1', { priority: 1 }],
      ['plain 1', {}],
      ['normal 2', { priority: 10 }],
      ['lowest', { priority: 2_097_151 }],
      ['high 2', { priority: 1 }],
      ['plain 2', { priority: 0 }],
    ]);
    expect(order).toEqual(['plain 1', 'plain 2', 'high 1', 'high 2', 'normal 1', 'normal 2', 'low', 'lowest']);
  });

  test('from the end with lifo, also among equal priorities', async () => {
    const order = await startOrder([
      ['first', {}],
      ['lifo 1', { lifo: true }],
      ['lifo 2', { lifo: true }],
      ['second', {}],
      ['prioritised', { priority: 5 }],
      ['prioritised lifo', { priority: 5, lifo: true }],
    ]);
    expect(order.slice(0, 4)).toEqual(['lifo 2', 'lifo 1', 'first', 'second']);
    expect(order.slice(4).toSorted()).toEqual(['prioritised', 'prioritised lifo']);
  });

  test('with a failed one behind the waiting ones, or before them with lifo', async () => {
    await whileBusy(async () => {
      await queue.add('flaky', { failures: 1 }, { jobId: 'again', attempts: 2 });
      await queue.add('echo', 1, { jobId: 'between' });
      await queue.add('flaky', { failures: 1 }, { jobId: 'again at once', attempts: 2, lifo: true });
    });
    await completed(4);
    expect(await starts()).toEqual(['again at once', 'again at once', 'again', 'between', 'again']);
  });

  test('with a failed one at its place among the priorities', async () => {
    await whileBusy(async () => {
      await queue.add('flaky', { failures: 1 }, { jobId: 'urgent', attempts: 2, priority: 1 });
      await queue.add('echo', 1, { jobId: 'normal', priority: 10 });
    });
    await completed(3);
    expect(await starts()).toEqual(['urgent', 'urgent', 'normal']);
  });
});

describe('a delayed job', () => {
  /** The job ran once, not before its time. */
  async function expectInTime(job: Job): Promise<void> {
    const stream = await readStream(system.redis, queue, job.id);
    expect(stream.map(({ event }) => event)).toEqual(['added', 'delayed', 'waiting', 'active', 'completed']);
    const due = job.timestamp + job.delay;
    const stored = (await queue.getJob(job.id as string)) as Job;
    expect(Number(stream[1]?.fields.delay)).toBe(due);
    expect(stored.processedOn).toBeGreaterThanOrEqual(due);
    expect(stored.delay).toBe(0);
  }

  test('that is added while the worker sleeps starts when its time has come, not before', async () => {
    await system.workerIsIdle(queue.name);
    const job = await queue.add('echo', 1, { delay: 100 });
    await completed(1);
    await expectInTime(job);
  });

  test('that is added while the worker is busy starts when its time has come, not before', async () => {
    let job: Job | undefined;
    await whileBusy(async () => {
      job = await queue.add('echo', 1, { delay: 100 });
    });
    await completed(2);
    await expectInTime(job as Job);
  });

  test('that is there before the worker starts when its time has come, not before', async () => {
    const other = system.queue();
    const job = await other.add('echo', 1, { delay: 1_500 });
    const worker = await system.startWorker('coroutines.py', { queue: other.name, ...NEVER_POLLS });
    const stored = await system.jobIn('completed', other, job.id);
    expect(stored.processedOn).toBeGreaterThanOrEqual(job.timestamp + job.delay);
    await worker.stop();
  });

  test('wakes the worker at its own time, although a later one was known before', async () => {
    await queue.add('echo', 1, { jobId: 'in an hour', delay: HOUR_MS });
    await queue.add('echo', 1, { jobId: 'now' });
    await system.jobIn('completed', queue, 'now');
    await system.workerIsIdle(queue.name);
    await queue.add('echo', 1, { jobId: 'in a moment', delay: 60 });
    await system.jobIn('completed', queue, 'in a moment');
    expect(await queue.getJobState('in an hour')).toBe('delayed');
  });

  test('starts in the order of the times, equal ones in the order of their addition', async () => {
    const timestamp = Date.now();
    const order = await startOrder([
      ['third', { delay: 300, timestamp }],
      ['first', { delay: 100, timestamp }],
      ['second', { delay: 200, timestamp }],
      ['third again', { delay: 300, timestamp }],
    ]);
    expect(order).toEqual(['first', 'second', 'third', 'third again']);
  });

  test('starts at once when it is promoted', async () => {
    const job = await queue.add('echo', 1, { delay: HOUR_MS });
    await system.workerIsIdle(queue.name);
    await job.promote();
    await system.jobIn('completed', queue, job.id);
  });

  test('keeps its priority', async () => {
    // All in the past when the worker looks, so that one call finds them due together.
    const timestamp = Date.now() - HOUR_MS;
    const order = await startOrder([
      ['low', { delay: HOUR_MS, priority: 100, timestamp }],
      ['high', { delay: HOUR_MS, priority: 1, timestamp }],
      ['plain', { delay: HOUR_MS, timestamp }],
    ]);
    expect(order).toEqual(['plain', 'high', 'low']);
  });
});
