import { describe, expect, test } from 'vitest';
import { isSince } from '../support/bundle.js';
import { readStream } from '../support/event-stream.js';
import { waitFor } from '../support/wait-for.js';
import { type Stage, useTwins } from './twins.js';

const twins = useTwins();

const LIMIT = { max: 2, duration: 150 };
const WARNING = /RateLimited without a limiter/;

/** When events of a kind happened, by the server's clock; of one job if its id is given. */
async function timesOf(event: string, { system, queue }: Stage, id?: string): Promise<number[]> {
  return (await readStream(system.redis, queue, id)).filter((entry) => entry.event === event).map(({ at }) => at);
}

/** Whether no more jobs started in any span than the limit allows; two spans that follow each other have twice as many. */
async function keptLimit(stage: Stage, { max, duration } = LIMIT): Promise<boolean> {
  const at = await timesOf('active', stage);
  return at.every((time, n) => n < 2 * max || time - (at[n - 2 * max] as number) >= duration - 1);
}

/** Waits until no limit holds the queue any more. */
async function limitIsOver(stage: Stage): Promise<void> {
  const { system, queue } = stage;
  await stage.allSettled();
  await waitFor('end of the limit', async () => (await system.redis.exists(queue.toKey('limiter'))) === 0);
}

async function addEchoes({ queue }: Stage, count: number): Promise<void> {
  await queue.addBulk(Array.from({ length: count }, (_, n) => ({ name: 'echo', data: n })));
}

describe('a limiter of the worker', () => {
  test('lets so many jobs start in each span', async () => {
    const { seen } = await twins.expectSame(async (stage) => {
      await addEchoes(stage, 5);
      await stage.startWorker({ limiter: LIMIT });
      await limitIsOver(stage);
      await stage.atRest();
      return keptLimit(stage);
    });
    expect(seen).toBe(true);
  });

  test('lets so many jobs start over all slots', async () => {
    const { seen } = await twins.expectSame(async (stage) => {
      // Which of two jobs that run side by side ends first is no matter of the worker.
      stage.leftOut.push('events');
      await addEchoes(stage, 5);
      await stage.startWorker({ limiter: LIMIT, concurrency: 4 });
      await limitIsOver(stage);
      await stage.atRest();
      return keptLimit(stage);
    });
    expect(seen).toBe(true);
  });

  test('is shared by a worker of BullMQ and one of Python', async () => {
    await twins.inPython(async (stage) => {
      const python = await stage.startWorker({ limiter: LIMIT, name: 'python' });
      await stage.startNodeWorker({ limiter: LIMIT, name: 'node' });
      await addEchoes(stage, 12);
      await stage.allSettled();
      await python.close();
      expect(await keptLimit(stage)).toBe(true);
    });
  });

  test('that is reached leaves delayed jobs to be promoted when they are due', async () => {
    await twins.expectSame(async (stage) => {
      await addEchoes(stage, 1);
      await stage.queue.add('echo', 'due under the limit', { delay: 100 });
      await stage.startWorker({ limiter: { max: 1, duration: 300 } });
      await limitIsOver(stage);
      await stage.atRest();
    });
  });

  test('obeys a limit that was set by hand', async () => {
    const { seen } = await twins.expectSame(async (stage) => {
      await stage.queue.rateLimit(300);
      const until = Date.now() + (await stage.system.redis.pttl(stage.queue.toKey('limiter')));
      await addEchoes(stage, 1);
      await stage.startWorker({ limiter: LIMIT });
      await limitIsOver(stage);
      await stage.atRest();
      const [start = 0] = await timesOf('active', stage);
      return start >= until - 5;
    });
    expect(seen).toBe(true);
  });
});

describe('a processor that finds a limit reached', () => {
  test('puts its job back, holds the queue for so long, and is charged no attempt', async () => {
    await twins.expectSame(async (stage) => {
      await stage.queue.add('limit', { ttlMs: 200, times: 2 }, { attempts: 2 });
      await addEchoes(stage, 1);
      await stage.startWorker({ limiter: { max: 100, duration: 1 } });
      await limitIsOver(stage);
      await stage.atRest();
      if (stage.language === 'node') return; // its limit begins before its job goes back, by some time
      const [, ...back] = await timesOf('waiting', stage, '1');
      const [, ...starts] = await timesOf('active', stage, '1');
      expect(starts).toHaveLength(2);
      starts.forEach((start, n) => {
        expect(start - (back[n] as number)).toBeGreaterThanOrEqual(195);
      });
    });
  });

  test('holds a prioritised job alike', async () => {
    await twins.expectSame(async (stage) => {
      await stage.queue.add('limit', { ttlMs: 100, times: 1 }, { priority: 3 });
      await stage.queue.add('echo', 'of equal priority', { priority: 3 });
      await stage.startWorker({ limiter: { max: 100, duration: 1 } });
      await limitIsOver(stage);
      await stage.atRest();
    });
  });

  test.skipIf(!isSince('5.60.0'))(
    'is not warned about when the worker has a limiter, or the queue a global limit',
    async () => {
      await twins.inPython(async (stage) => {
        const limited = await stage.startPythonWorker({ limiter: { max: 100, duration: 1 } });
        await stage.queue.add('limit', { ttlMs: 50, times: 1 });
        await stage.allSettled();
        await limited.close();
        await stage.queue.setGlobalRateLimit(100, 1);
        const unlimited = await stage.startPythonWorker();
        await stage.queue.add('limit', { ttlMs: 50, times: 1 });
        await stage.allSettled();
        await unlimited.close();
        expect([...limited.events('error'), ...unlimited.events('error')]).toEqual([]);
      });
    },
  );

  test.skipIf(!isSince('5.60.0'))('holds the other workers of a queue with a global limit', async () => {
    await twins.inPython(async (stage) => {
      await stage.queue.setGlobalRateLimit(100, 1);
      const limited = await stage.startWorker();
      await stage.queue.add('limit', { ttlMs: 300, times: 1 }, { jobId: 'limited' });
      await waitFor('a limit', async () => (await timesOf('waiting', stage, 'limited')).length === 2);
      const [, back = 0] = await timesOf('waiting', stage, 'limited');
      await stage.startWorker();
      await limited.close();
      await stage.allSettled();
      const [, start = 0] = await timesOf('active', stage, 'limited');
      expect(start - back).toBeGreaterThanOrEqual(295);
    });
  });
});

describe('without any limiter, a processor that finds a limit reached', () => {
  test('holds this worker only, and is warned of that once', async () => {
    await twins.inPython(async (stage) => {
      const held = await stage.startPythonWorker();
      for (const jobId of ['first', 'second']) {
        await stage.queue.add('limit', { ttlMs: 30, times: 1 }, { jobId });
        await stage.jobIn('completed', jobId);
      }
      expect(held.events('rate_limited').map(({ job }) => job)).toEqual(['first', 'second']);
      await waitFor('a warning', () => held.events('error').length > 0);
      // One worker is held for an hour; another takes what it put back.
      await stage.queue.add('limit', { ttlMs: 3_600_000, times: 1 }, { jobId: 'long' });
      await waitFor('a limit', () => held.events('rate_limited').length === 3);
      await stage.startWorker({ name: 'free' });
      await stage.jobIn('completed', 'long');
      await addEchoes(stage, 3);
      await stage.allSettled();
      const jobs = await stage.queue.getCompleted();
      expect(jobs.filter(({ name }) => name === 'echo').map(({ processedBy }) => processedBy)).toEqual(
        Array(3).fill('free'),
      );
      expect(held.events('error')).toHaveLength(1);
      expect(held.events('error')[0]?.details.what).toMatch(WARNING);
    });
  });

  test('holds every slot of this worker', async () => {
    await twins.inPython(async (stage) => {
      const held = await stage.startPythonWorker({ concurrency: 2 });
      await stage.queue.add('hold', { gate: stage.gate }, { jobId: 'held' });
      await stage.queue.add('limit', { ttlMs: 400, times: 1 }, { jobId: 'limited' });
      await waitFor('a limit', () => held.events('rate_limited').length === 1);
      await stage.openGate();
      await stage.allSettled();
      const [, back = 0] = await timesOf('waiting', stage, 'limited');
      const [, start = 0] = await timesOf('active', stage, 'limited');
      expect(start - back).toBeGreaterThanOrEqual(395);
    });
  });

  test('holds this worker beyond the time after which a limited worker asks again', async () => {
    await twins.host.call('shorten_limit_waits', { seconds: 0.05 });
    await twins.inPython(async (stage) => {
      await stage.startWorker();
      await stage.queue.add('limit', { ttlMs: 300, times: 1 }, { jobId: 'limited' });
      await stage.allSettled();
      const [, back = 0] = await timesOf('waiting', stage, 'limited');
      const [, start = 0] = await timesOf('active', stage, 'limited');
      expect(start - back).toBeGreaterThanOrEqual(295);
    });
  });
});
