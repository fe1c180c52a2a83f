import { randomUUID } from 'node:crypto';
import { Queue, type Worker } from 'bullmq';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { deferred } from '../testing/deferred.js';
import { startWorker } from '../testing/node-worker.js';
import { testRedis } from '../testing/redis.js';
import { readQueueStats } from './stats.js';

const { url, prefix: filePrefix, redis } = testRedis();

function emptyQueue() {
  const prefix = `${filePrefix}:${randomUUID()}`;
  const queue = new Queue('file-processing', { connection: redis, prefix });
  onTestFinished(() => queue.close());
  return { queue, prefix, read: () => readQueueStats(queue, redis) };
}

describe('readQueueStats', () => {
  it('shows an empty queue', async () => {
    const { read } = emptyQueue();
    const stats = await read();
    expect(stats).toMatchObject({
      queue: 'file-processing',
      paused: false,
      priorities: { none: 0, high: 0, normal: 0, low: 0, other: 0 },
      workers: [],
      oldestWaitingMs: null,
    });
    expect(stats.counts).toMatchObject({ prioritized: 0, waiting: 0, active: 0, completed: 0, failed: 0 });
  });

  it('counts waiting jobs by the name of their priority, where BullMQ keeps them', async () => {
    const { queue, read } = emptyQueue();
    const priorities = [1, 10, 10, 100, 7];
    await queue.addBulk(priorities.map((priority) => ({ name: 'x', data: {}, opts: { priority } })));
    await queue.add('x', {});
    const stats = await read();
    expect(stats.priorities).toEqual({ none: 1, high: 1, normal: 2, low: 1, other: 1 });
    expect(stats.counts).toMatchObject({ prioritized: 5, waiting: 1 });
  });

  it('says that the queue is paused', async () => {
    const { queue, read } = emptyQueue();
    await queue.pause();
    await queue.add('x', {});
    expect(await read()).toMatchObject({ paused: true });
  });

  it.each([
    ['without a priority', undefined],
    ['of the highest priority', 1],
    ['of the lowest priority', 100],
  ])('finds the oldest waiting job %s', async (_what, priority) => {
    const { queue, read } = emptyQueue();
    await queue.add('old', {}, { priority, timestamp: Date.now() - 60_000 });
    await queue.add('new', {});
    await queue.add('new', {}, { priority: 1 });
    await queue.add('new', {}, { priority: 10 });
    await queue.add('new', {}, { priority: 100 });
    const { oldestWaitingMs } = await read();
    expect(oldestWaitingMs).toBeGreaterThanOrEqual(60_000);
    expect(oldestWaitingMs).toBeLessThan(70_000);
  });

  it('does not take delayed, active or finished jobs for waiting ones', async () => {
    const { queue, prefix, read } = emptyQueue();
    const finish = deferred();
    startWorker(url, prefix, () => finish.promise);
    await queue.add('active', {}, { timestamp: Date.now() - 60_000 });
    await queue.add('delayed', {}, { timestamp: Date.now() - 60_000, delay: 600_000 });
    await vi.waitFor(async () => expect(await queue.getActiveCount()).toBe(1), 5_000);
    expect(await read()).toMatchObject({ oldestWaitingMs: null, counts: { active: 1, delayed: 1 } });
    finish.resolve();
  });

  it('lists the workers that it sees', async () => {
    const { prefix, read } = emptyQueue();
    const worker: Worker = startWorker(url, prefix, async () => ({}), 'worker-7');
    await worker.waitUntilReady();
    await vi.waitFor(async () => expect((await read()).workers).toHaveLength(1), 5_000);
    expect((await read()).workers).toEqual([{ name: 'worker-7', address: expect.stringContaining('127.0.0.1:') }]);
  });
});
