import type { JobSchedulerTemplateOptions, RepeatOptions } from 'bullmq';
import { describe, expect, test } from 'vitest';
import { isSince } from '../support/bundle.js';
import { waitFor } from '../support/wait-for.js';
import { type Stage, useTwins } from './twins.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const ID = 'tick';

const twins = useTwins();

type Repeat = Omit<RepeatOptions, 'key'>;

/** Adds a scheduler; returns when its first job is due. */
async function schedule(
  stage: Stage,
  repeat: Repeat,
  opts: JobSchedulerTemplateOptions = {},
  name = 'echo',
): Promise<number> {
  const { queue } = stage;
  const job = await queue.upsertJobScheduler(ID, repeat, { name, data: { message: 'tick' }, opts });
  // Of its id and not of the scheduler, which a worker may have continued by now.
  const first = Number(job?.id?.split(':').at(-1));
  stage.rewrites.push((text) => withoutTimes(text, first, repeat));
  return first;
}

/**
 * Names the times of a schedule by their distance from its first one, which is another in each run; hides other times
 * of these days, and the offset that BullMQ has chosen.
 */
function withoutTimes(text: string, first: number, { offset }: Repeat): string {
  return text
    .replace(/"timestamp":\d+/g, '"timestamp":"TIME"')
    .replace(/\b\d{13}\b/g, (digits) => {
      const distance = Number(digits) - first;
      if (distance % MINUTE_MS === 0) return `FIRST+${distance / MINUTE_MS}min`;
      return Math.abs(distance) < 30 * DAY_MS ? 'TIME' : digits;
    })
    .replace(/FIRST\+(\d+)min(?=[,}])/g, '"FIRST+$1min"')
    .replace(/TIME(?=[,}])/g, '"TIME"')
    .replace(/"delay":"?(\d+)"?/g, (_, ms) => `"delay":"${Math.round(Number(ms) / MINUTE_MS)} min"`)
    .replace(/"offset":"?\d+"?/g, (all) => (offset === undefined ? '"offset":"OWN"' : all));
}

/** Makes the job that the scheduler has delayed start now, and waits until it has left the worker. */
async function runNext({ queue, countOf }: Stage): Promise<void> {
  const [job] = await queue.getDelayed();
  await job?.promote();
  await waitFor(`end of ${job?.id}`, async () => {
    return ['completed', 'failed', 'unknown'].includes(await queue.getJobState(job?.id ?? ''));
  });
  await countOf('active', 0);
}

async function sleeps({ system, queue }: Stage): Promise<void> {
  await system.workerIsIdle(queue.name);
}

describe('a job scheduler with an interval', () => {
  test('has its next job written by the worker that starts one', async () => {
    await twins.expectSame(async (stage) => {
      await schedule(stage, { every: HOUR_MS });
      await stage.startWorker();
      await stage.countOf('completed', 1);
      await runNext(stage);
      await runNext(stage);
      await sleeps(stage);
    });
  });

  test('has it written before the job runs', async () => {
    await twins.expectSame(async (stage) => {
      await stage.queue.upsertJobScheduler(ID, { every: HOUR_MS }, { name: 'hold', data: { gate: stage.gate } });
      await stage.startWorker();
      await stage.countOf('active', 1);
      const [next] = await stage.queue.getDelayed();
      const scheduler = await stage.queue.getJobScheduler(ID);
      await stage.openGate();
      await stage.countOf('completed', 1);
      stage.rewrites.push(() => '{}');
      return [next?.id === `repeat:${ID}:${scheduler?.next}`, scheduler?.iterationCount];
    });
  });

  test('gives all its options to each job', async () => {
    await twins.expectSame(async (stage) => {
      const opts = {
        attempts: 3,
        backoff: 20,
        priority: 7,
        removeOnComplete: { count: 2 },
        removeOnFail: { age: 3_600 },
        keepLogs: 3,
        stackTraceLimit: 1,
        sizeLimit: 9_999,
        telemetry: { metadata: '{"traceparent":"00-1"}', omitContext: true },
        unheardOf: ['kept'],
      };
      await schedule(stage, { every: HOUR_MS }, opts as JobSchedulerTemplateOptions);
      await stage.startWorker();
      await stage.countOf('completed', 1);
      for (let run = 0; run < 3; run++) await runNext(stage);
      await sleeps(stage);
    });
  });

  test('goes on when its jobs fail', async () => {
    await twins.expectSame(async (stage) => {
      await schedule(stage, { every: HOUR_MS }, {}, 'fail');
      await stage.startWorker();
      await stage.countOf('failed', 1);
      await runNext(stage);
      await sleeps(stage);
    });
  });

  test('writes its next job once, however often a job is tried', async () => {
    await twins.expectSame(async (stage) => {
      await schedule(stage, { every: HOUR_MS }, { attempts: 3 }, 'fail');
      await stage.startWorker();
      await stage.countOf('failed', 1);
      await sleeps(stage);
    });
  });

  test('ends with its limit', async () => {
    const { seen } = await twins.expectSame(async (stage) => {
      await schedule(stage, { every: HOUR_MS, limit: 3 });
      await stage.startWorker();
      await stage.countOf('completed', 1);
      await runNext(stage);
      await runNext(stage);
      await sleeps(stage);
      return stage.queue.getDelayedCount();
    });
    expect(seen).toBe(0);
  });

  test('ends with its end date', async () => {
    const { seen } = await twins.expectSame(async (stage) => {
      await schedule(stage, { every: HOUR_MS, endDate: new Date(Date.now() + 1_000) });
      const { queue, system } = stage;
      const key = queue.toKey(`repeat:${ID}`);
      const [first] = (await queue.getJobs(['wait'])).map(({ id }) => id);
      // The end is over for the job that is still to start.
      const past = Date.now() - HOUR_MS;
      const opts = JSON.parse((await system.redis.hget(queue.toKey(first ?? ''), 'opts')) ?? '');
      opts.repeat.endDate = past;
      await system.redis.hset(queue.toKey(first ?? ''), 'opts', JSON.stringify(opts));
      await system.redis.hset(key, 'endDate', past);
      await stage.startWorker();
      await stage.countOf('completed', 1);
      await sleeps(stage);
      return queue.getDelayedCount();
    });
    expect(seen).toBe(0);
  });

  test('goes on until its end date', async () => {
    await twins.expectSame(async (stage) => {
      await schedule(stage, { every: HOUR_MS, endDate: '2100-01-01T00:00:00.000Z' });
      await stage.startWorker();
      await stage.countOf('completed', 1);
      await runNext(stage);
      await sleeps(stage);
    });
  });

  test('begins with its start date', async () => {
    await twins.expectSame(async (stage) => {
      // The same moment in both runs.
      const startDate = Math.ceil(Date.now() / DAY_MS) * DAY_MS;
      await schedule(stage, { every: HOUR_MS, startDate });
      await stage.startWorker();
      await runNext(stage);
      await runNext(stage);
      await sleeps(stage);
    });
  });

  // BullMQ itself loses it until 5.76.7.
  test.skipIf(!isSince('5.76.8'))('keeps its offset', async () => {
    await twins.expectSame(async (stage) => {
      await schedule(stage, { every: HOUR_MS, offset: 10 * MINUTE_MS });
      await stage.startWorker();
      await runNext(stage);
      await runNext(stage);
      await sleeps(stage);
    });
  });

  test('goes on in time after intervals that nobody has served', async () => {
    await twins.expectSame(async (stage) => {
      const { queue, system } = stage;
      const first = await schedule(stage, { every: HOUR_MS });
      // As if the job of some hours ago was still there.
      const then = first - 5 * HOUR_MS - 10 * MINUTE_MS;
      const [id = ''] = (await queue.getJobs(['wait'])).map((job) => job.id);
      const late = `repeat:${ID}:${then}`;
      await system.redis.rename(queue.toKey(id), queue.toKey(late));
      await system.redis.lrem(queue.toKey('wait'), 0, id);
      await system.redis.lpush(queue.toKey('wait'), late);
      await system.redis.zadd(queue.toKey('repeat'), then, ID);
      await stage.startWorker();
      await stage.countOf('completed', 1);
      await sleeps(stage);
    });
  });

  test('is not continued when it has been removed', async () => {
    await twins.expectSame(async (stage) => {
      await schedule(stage, { every: HOUR_MS });
      const [id = ''] = (await stage.queue.getJobs(['wait'])).map((job) => job.id);
      await stage.system.redis.zrem(stage.queue.toKey('repeat'), ID);
      await stage.startWorker();
      await stage.jobIn('completed', id);
      await sleeps(stage);
    });
  });

  test.skipIf(!isSince('5.58.8'))('is continued as it was changed while its job waited', async () => {
    await twins.expectSame(async (stage) => {
      await stage.queue.upsertJobScheduler(ID, { every: HOUR_MS }, { name: 'echo', data: 'before' });
      await stage.startWorker();
      await stage.countOf('completed', 1);
      await schedule(stage, { every: 2 * HOUR_MS });
      await stage.countOf('completed', 2);
      await runNext(stage);
      await runNext(stage);
      await sleeps(stage);
    });
  });

  test('runs by itself, at its times', async () => {
    await twins.inPython(async (stage) => {
      await stage.queue.upsertJobScheduler(ID, { every: 60, limit: 4 }, { name: 'echo', data: 1 });
      await stage.startWorker();
      await stage.countOf('completed', 4);
      for (const job of await stage.queue.getCompleted()) {
        expect(job.processedOn).toBeGreaterThanOrEqual(Number(job.id?.split(':').at(-1)));
      }
    });
  });
});
