import { type BackoffOptions, Worker } from 'bullmq';
import { describe, expect, test } from 'vitest';
import { isSince } from '../support/bundle.js';
import { waitFor } from '../support/wait-for.js';
import { type Stage, useTwins } from './twins.js';

const HOUR_MS = 3_600_000;
const twins = useTwins();

/** The delays that a failing job is given, one attempt after the other, without waiting for any. */
async function delaysOf({ queue, jobIn }: Stage, id: string, attempts: number): Promise<number[]> {
  const delays: number[] = [];
  for (let attempt = 1; attempt < attempts; attempt++) {
    await jobIn('delayed', id);
    const job = await queue.getJob(id);
    delays.push(job?.delay ?? Number.NaN);
    await job?.promote();
    await waitFor(`attempt ${attempt + 1} of ${id}`, async () => {
      return ((await queue.getJob(id))?.attemptsMade ?? 0) > attempt;
    });
  }
  return delays;
}

describe('a backoff strategy of the user', () => {
  test('is asked for the delay after each attempt; 0 is at once, and -1 ends the job', async () => {
    const { seen } = await twins.expectSame(async (stage) => {
      await stage.queue.add('fail', { message: 'x' }, { jobId: 'steep', attempts: 9, backoff: { type: 'steep' } });
      await stage.startWorker({ backoffs: { steep: [0, HOUR_MS, 20, -1] } });
      await stage.jobIn('delayed', 'steep');
      const job = await stage.queue.getJob('steep');
      const delay = job?.delay;
      await job?.promote();
      await stage.atRest();
      return [delay, (await stage.queue.getJob('steep'))?.attemptsMade];
    });
    expect(seen).toEqual([HOUR_MS, 4]);
  });

  test('leaves the built-in ones alone', async () => {
    await twins.expectSame(async (stage) => {
      const backoff = { type: 'exponential', delay: HOUR_MS };
      await stage.queue.add('fail', { message: 'x' }, { jobId: 'doubles', attempts: 3, backoff });
      await stage.startWorker({ backoffs: { steep: [-1] } });
      const delays = await delaysOf(stage, 'doubles', 3);
      await stage.atRest();
      return delays;
    });
  });
});

describe('a backoff with jitter', () => {
  test.each<[string, BackoffOptions, (attempt: number) => number]>([
    ['fixed', { type: 'fixed', delay: HOUR_MS, jitter: 0.5 }, () => HOUR_MS],
    ['exponential', { type: 'exponential', delay: HOUR_MS, jitter: 0.5 }, (attempt) => 2 ** attempt * HOUR_MS],
  ])('that is %s is a random part of what it would be', async (_, backoff, longest) => {
    await twins.expectSame(async (stage) => {
      stage.leftOut.push('events');
      await stage.startWorker({ concurrency: 4 });
      const ids = ['a', 'b', 'c', 'd'];
      for (const jobId of ids) await stage.queue.add('fail', { message: 'x' }, { jobId, attempts: 3, backoff });
      const all = await Promise.all(ids.map((id) => delaysOf(stage, id, 3)));
      await stage.atRest();
      const within = all.every((delays) =>
        delays.every((delay, n) => Number.isInteger(delay) && delay >= longest(n) / 2 && delay <= longest(n)),
      );
      return [within, new Set(all.flat()).size];
    });
  });
});

describe('a limit on starts', () => {
  test.skipIf(!isSince('5.59.0'))('fails a job that starts more often, without running it', async () => {
    const { seen } = await twins.expectSame(async (stage) => {
      await stage.queue.add('snooze', { delayMs: 5, times: 9 }, { jobId: 'sleeper', attempts: 5 });
      await stage.startWorker({ maxStartedAttempts: 3 });
      await stage.atRest();
      const job = await stage.queue.getJob('sleeper');
      return [job?.attemptsStarted, job?.attemptsMade, job?.failedReason];
    });
    expect(seen).toEqual([4, 1, 'job started more than allowable limit']);
  });

  // Until 6.3, BullMQ's own worker tries once more, to fail then.
  test.skipIf(!isSince('6.4.0'))('leaves no attempt to a job that has started so often', async () => {
    const { seen } = await twins.expectSame(async (stage) => {
      await stage.queue.add('fail', { message: 'x' }, { jobId: 'often', attempts: 9, backoff: 5 });
      await stage.startWorker({ maxStartedAttempts: 2 });
      await stage.atRest();
      return (await stage.queue.getJob('often'))?.attemptsMade;
    });
    expect(seen).toBe(2);
  });
});

describe('a limit on stalls', () => {
  /** Has the job taken by a worker that vanishes, as often as others did before. */
  async function vanish({ system, queue }: Stage, id: string, before: number): Promise<void> {
    await system.redis.hset(queue.toKey(id), 'stc', before);
    const worker = new Worker(queue.name, null, { connection: system.redis, prefix: system.prefix });
    await worker.waitUntilReady();
    const job = await worker.getNextJob('vanished:0', { block: false });
    expect(job?.id).toBe(id);
    await worker.close();
    await system.redis.del(queue.toKey(`${id}:lock`));
  }

  test.each([
    [1, 'completed'],
    [2, 'failed'],
  ] as const)('of 2 lets a job that had stalled %i times before be %s', async (before, state) => {
    await twins.expectSame(async (stage) => {
      // There or not, as the moment of the last check would have it.
      stage.leftOut.push('stalled-check');
      await stage.queue.add('echo', 1, { jobId: 'unlucky', attempts: 5 });
      await vanish(stage, 'unlucky', before);
      await stage.startWorker({ stalledIntervalMs: 50, maxStalledCount: 2 });
      await stage.jobIn(state, 'unlucky');
      await stage.atRest();
    });
  });
});
