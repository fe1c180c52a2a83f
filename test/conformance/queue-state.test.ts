import { beforeAll, describe, expect, test } from 'vitest';
import { isSince } from '../support/bundle.js';
import { readStream } from '../support/event-stream.js';
import { useSystem } from '../support/system.js';
import { waitFor } from '../support/wait-for.js';

// A worker that misses a wake-up then sleeps on, instead of finding the job a few seconds later.
const NEVER_POLLS = { drain_delay_s: 600 };

const system = useSystem();

describe('a paused queue', () => {
  test('gives no job to a worker that starts; they run when it is resumed', async () => {
    const queue = system.queue();
    await queue.pause();
    const plain = await queue.add('echo', 'plain');
    const prioritised = await queue.add('echo', 'prioritised', { priority: 1 });
    const worker = await system.startWorker('processors.py', { queue: queue.name, ...NEVER_POLLS });
    await system.workerIsIdle(queue.name);
    expect(await queue.getJobCountByTypes('active', 'completed')).toBe(0);
    expect(await system.redis.hexists(queue.toKey(plain.id as string), 'ats')).toBe(0);
    await queue.resume();
    await system.jobIn('completed', queue, plain.id);
    await system.jobIn('completed', queue, prioritised.id);
    await worker.stop();
  });

  test('lets the job that runs end, and gives no next one', async () => {
    const queue = system.queue();
    const gate = `${system.prefix}:gate-pause`;
    const running = await queue.add('hold', { gate });
    const waiting = await queue.add('echo', 'next');
    const worker = await system.startWorker('processors.py', { queue: queue.name, concurrency: 1, ...NEVER_POLLS });
    await system.jobIn('active', queue, running.id);
    await queue.pause();
    await system.redis.rpush(gate, 'open');
    await system.jobIn('completed', queue, running.id);
    await system.workerIsIdle(queue.name);
    expect(await queue.getJobCountByTypes('active', 'completed')).toBe(1);
    await queue.resume();
    await system.jobIn('completed', queue, waiting.id);
    await worker.stop();
  });

  test('takes back a job that fails while it is paused, and a later one', async () => {
    const queue = system.queue();
    const gate = `${system.prefix}:gate-late`;
    await queue.add('hold', { gate }, { jobId: 'holds' });
    await queue.add('flaky', { failures: 1 }, { jobId: 'again', attempts: 2, delay: 100 });
    const worker = await system.startWorker('processors.py', { queue: queue.name, concurrency: 1, ...NEVER_POLLS });
    await system.jobIn('active', queue, 'holds');
    await queue.pause();
    await system.redis.rpush(gate, 'open');
    await system.jobIn('completed', queue, 'holds');
    await system.workerIsIdle(queue.name);
    expect(await queue.getJobState('again')).not.toBe('completed');
    await queue.resume();
    expect((await system.jobIn('completed', queue, 'again')).returnvalue).toBe(1);
    await worker.stop();
  });
});

describe('a limit of the whole queue', () => {
  test('on concurrency holds for a worker with more slots', async () => {
    const queue = system.queue();
    await queue.setGlobalConcurrency(2);
    const gate = `${system.prefix}:gate-concurrency`;
    const jobs = await queue.addBulk(Array.from({ length: 5 }, () => ({ name: 'hold', data: { gate } })));
    const worker = await system.startWorker('coroutines.py', { queue: queue.name, concurrency: 6, ...NEVER_POLLS });
    for (let done = 0; done < jobs.length; done++) {
      const expected = Math.min(2, jobs.length - done);
      await waitFor(`${expected} running jobs`, async () => (await queue.getActiveCount()) === expected);
      // It has free slots, and has asked for more jobs before it sleeps.
      await system.workerIsIdle(queue.name);
      expect(await queue.getActiveCount()).toBe(expected);
      await system.redis.rpush(gate, 'open');
      await waitFor(`${done + 1} completed jobs`, async () => (await queue.getCompletedCount()) === done + 1);
    }
    await worker.stop();
    let running = 0;
    let most = 0;
    for (const { event } of await readStream(system.redis, queue)) {
      if (event === 'active') most = Math.max(most, ++running);
      if (event === 'completed') running--;
    }
    expect(most).toBe(2);
  });

  test.skipIf(!isSince('5.60.0'))(
    'on the rate lets so many jobs start in each span, and the worker goes on by itself',
    async () => {
      const queue = system.queue();
      const spanMs = 250;
      await queue.setGlobalRateLimit(2, spanMs);
      await queue.addBulk(Array.from({ length: 5 }, (_, index) => ({ name: 'echo', data: index })));
      const worker = await system.startWorker('coroutines.py', { queue: queue.name, concurrency: 4, ...NEVER_POLLS });
      await waitFor('completion of five jobs', async () => (await queue.getCompletedCount()) === 5);
      await worker.stop();
      const starts = (await readStream(system.redis, queue)).filter(({ event }) => event === 'active');
      expect(starts).toHaveLength(5);
      // By the server's clock, which both the limit's key and the stream go by.
      for (const index of [0, 1, 2]) {
        const apart = (starts[index + 2]?.at as number) - (starts[index]?.at as number);
        expect(apart).toBeGreaterThanOrEqual(index % 2 === 0 ? spanMs : 0);
      }
    },
  );

  test.skipIf(!isSince('5.60.0'))('on the rate that was reached by hand is obeyed until it ends', async () => {
    const queue = system.queue();
    await queue.setGlobalRateLimit(100, 1_000);
    const worker = await system.startWorker('coroutines.py', { queue: queue.name, ...NEVER_POLLS });
    await system.workerIsIdle(queue.name);
    await queue.rateLimit(300);
    const limitedUntil = Date.now() + (await system.redis.pttl(queue.toKey('limiter')));
    const job = await queue.add('echo', 1);
    const done = await system.jobIn('completed', queue, job.id);
    expect(done.processedOn).toBeGreaterThanOrEqual(limitedUntil - 5);
    await worker.stop();
  });
});

describe('a deduplicated job', () => {
  const queue = system.queue();
  const gate = `${system.prefix}:gate-deduplication`;

  beforeAll(async () => {
    await system.startWorker('coroutines.py', { queue: queue.name, concurrency: 1, ...NEVER_POLLS });
  });

  test('is added once while the first is unfinished, and again afterwards', async () => {
    const deduplication = { id: 'same' };
    const first = await queue.add('hold', { gate }, { deduplication });
    await system.jobIn('active', queue, first.id);
    const second = await queue.add('hold', { gate }, { deduplication });
    expect(second.id).toBe(first.id);
    expect(await queue.getDeduplicationJobId('same')).toBe(first.id);
    await system.redis.rpush(gate, 'open');
    await system.jobIn('completed', queue, first.id);
    expect(await queue.getDeduplicationJobId('same')).toBeNull();
    const third = await queue.add('echo', 1, { deduplication });
    expect(third.id).not.toBe(first.id);
    await system.jobIn('completed', queue, third.id);
    const told = (await readStream(system.redis, queue)).filter(({ event }) => event === 'deduplicated');
    expect(told).toHaveLength(1);
  });

  test('is free again when it has failed', async () => {
    const deduplication = { id: 'fails' };
    const first = await queue.add('fail', { message: 'x' }, { deduplication });
    await system.jobIn('failed', queue, first.id);
    expect(await queue.getDeduplicationJobId('fails')).toBeNull();
  });

  test.skipIf(!isSince('5.72.0'))('that was added while the first ran follows it, with keepLastIfActive', async () => {
    const deduplication = { id: 'last', keepLastIfActive: true };
    const first = await queue.add('hold', { gate }, { deduplication });
    await system.jobIn('active', queue, first.id);
    await queue.add('echo', 'dropped', { deduplication });
    await queue.add('echo', 'last', { deduplication });
    await system.redis.rpush(gate, 'open');
    await system.jobIn('completed', queue, first.id);
    const values = await waitFor('the job that followed', async () => {
      const all = (await queue.getCompleted()).map(({ returnvalue }) => returnvalue);
      return all.includes('last') ? all : undefined;
    });
    expect(values).not.toContain('dropped');
  });
});
