import type { Queue, RepeatOptions } from 'bullmq';
import { describe, expect, test } from 'vitest';
import { useSystem } from '../support/system.js';
import { waitFor } from '../support/wait-for.js';
import { type Stage, useTwins } from './twins.js';

const MINUTE_MS = 60_000;
const ID = 'tick';
/** BullMQ chooses its minute at random, and so does every worker that continues it. */
const UNSUPPORTED = 'H 4 1 * *';

const system = useSystem();
const twins = useTwins();

async function schedule(queue: Queue, repeat: Omit<RepeatOptions, 'key'>, opts = {}): Promise<void> {
  await queue.upsertJobScheduler(ID, repeat, { name: 'echo', data: 1, opts });
}

/** Runs the jobs of a scheduler one after the other, each before its time; returns their times. */
async function run({ queue, jobIn, rewrites }: Stage, times: number): Promise<unknown[]> {
  const seen: unknown[] = [];
  for (let n = 0; n < times; n++) {
    const [job] = await queue.getDelayed();
    seen.push(job?.id);
    await job?.promote();
    await jobIn('completed', job?.id ?? '');
  }
  seen.push(...(await queue.getDelayed()).map(({ id }) => id));
  // What depends on the moment; the times themselves are the same in both runs.
  rewrites.push((text) =>
    text
      .replace(/"delay":"?(\d+)"?/g, (_, ms) => `"delay":"${Math.round(Number(ms) / MINUTE_MS)} min"`)
      .replace(/"timestamp":\d+/g, '"timestamp":"TIME"')
      .replace(/\b\d{13}\b(?=")/g, (digits) => (Math.abs(Number(digits) - Date.now()) < MINUTE_MS ? 'NOW' : digits))
      .replace(/"prevMillis":(\d+)/g, (all, ms) =>
        Math.abs(ms - Date.now()) < MINUTE_MS ? '"prevMillis":"NOW"' : all,
      ),
  );
  return seen;
}

describe('a job scheduler with a cron pattern', () => {
  test.each<[string, Omit<RepeatOptions, 'key'>, number]>([
    ['five fields', { pattern: '30 4 1 * *' }, 3],
    ['six fields, the seconds first', { pattern: '15 30 4 L * *' }, 3],
    [
      'a time zone, over the days on which its clocks are moved',
      { pattern: '0 30 2 * * SUN#2', tz: 'America/New_York' },
      14,
    ],
    ['names and lists', { pattern: '0 0 12 1,15 JAN-MAR,OCT MON-FRI' }, 5],
    ['a seed for its free choices', { pattern: 'H H 1 * *', hashSeed: 'a seed' } as RepeatOptions, 3],
    ['a limit', { pattern: '30 4 1 * *', limit: 2 }, 2],
    ['an end date', { pattern: '30 4 1 1 *', endDate: `${new Date().getFullYear() + 2}-06-01T00:00:00Z` }, 2],
    ['a start date', { pattern: '30 4 1 * *', startDate: '2099-03-15T00:00:00.000Z' }, 2],
    ['a first job that runs immediately', { pattern: '30 4 1 * *', immediately: true }, 2],
  ])('is continued as BullMQ would: %s', async (_, repeat, times) => {
    await twins.expectSame(async (stage) => {
      await schedule(stage.queue, repeat, { attempts: 2 });
      await stage.startWorker();
      if (repeat.immediately) await stage.countOf('completed', 1);
      const seen = await run(stage, times);
      await stage.system.workerIsIdle(stage.queue.name);
      return repeat.immediately ? seen.length : seen;
    });
  });
});

describe('a cron pattern that cannot be computed', () => {
  /** The job of the scheduler, as it was before anybody took it. */
  async function expectUntouched(queue: Queue, next: number | undefined): Promise<void> {
    const scheduler = await queue.getJobScheduler(ID);
    expect(scheduler?.next).toBe(next);
    expect(scheduler?.iterationCount).toBe(1);
    const job = await queue.getJob(`repeat:${ID}:${next}`);
    expect(job?.attemptsMade).toBe(0);
    expect(await queue.getJobCountByTypes('active', 'completed', 'failed')).toBe(0);
  }

  test('is refused when the worker starts, before it takes any job', async () => {
    const queue = system.queue();
    await schedule(queue, { pattern: UNSUPPORTED });
    const next = (await queue.getJobScheduler(ID))?.next;
    const other = await queue.add('echo', 1);
    const worker = system.launchWorker('coroutines.py', { queue: queue.name });
    await worker.waitForLog(/job scheduler 'tick': cannot compute the next run of the cron pattern 'H 4 1 \* \*'/);
    await waitFor('end of the worker', () => !worker.isRunning);
    await expect(worker.stop()).rejects.toThrow(/ended with 6/);
    await expectUntouched(queue, next);
    expect(await other.getState()).toBe('waiting');
  });

  test('that is added later stops the worker, which hands its job back', async () => {
    const queue = system.queue();
    const worker = await system.startWorker('coroutines.py', { queue: queue.name });
    await schedule(queue, { pattern: UNSUPPORTED });
    const next = (await queue.getJobScheduler(ID))?.next;
    const job = await queue.getJob(`repeat:${ID}:${next}`);
    await job?.promote();
    await worker.waitForLog(/job scheduler 'tick': cannot compute the next run/);
    await waitFor('end of the worker', () => !worker.isRunning);
    await expect(worker.stop()).rejects.toThrow(/ended with 6/);
    await expectUntouched(queue, next);
    expect(await job?.getState()).toBe('waiting');
    // A worker that can continue it finds it.
    await system.nodeWorker(queue.name, async () => 'done');
    await system.jobIn('completed', queue, job?.id);
    expect((await queue.getJobScheduler(ID))?.iterationCount).toBe(2);
  });

  test('of a scheduler whose job is gone is refused too', async () => {
    const queue = system.queue();
    await schedule(queue, { pattern: UNSUPPORTED });
    const key = queue.toKey(`repeat:${ID}`);
    const next = (await queue.getJobScheduler(ID))?.next;
    await system.redis.hset(key, 'pattern', '0 0 31 2 *', 'tz', 'Nowhere/At_all');
    await system.redis.del(queue.toKey(`repeat:${ID}:${next}`));
    const worker = system.launchWorker('coroutines.py', { queue: queue.name });
    await worker.waitForLog(/job scheduler 'tick': cannot compute/);
    await waitFor('end of the worker', () => !worker.isRunning);
    await expect(worker.stop()).rejects.toThrow(/ended with 6/);
  });
});
