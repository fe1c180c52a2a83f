import type { JobsOptions, Queue } from 'bullmq';
import { beforeAll, describe, expect, test } from 'vitest';
import { useSystem } from '../support/system.js';
import { waitFor } from '../support/wait-for.js';

const DAY_S = 86_400;

const system = useSystem();

describe.each([
  ['completed', 'removeOnComplete', 'echo', { message: 'kept' }],
  ['failed', 'removeOnFail', 'fail', { message: 'kept' }],
] as const)('a job that has %s', (state, option, name, data) => {
  let queue: Queue;
  let added = 0;

  beforeAll(async () => {
    queue = system.queue();
    await system.startWorker('processors.py', { queue: queue.name, concurrency: 1 });
  });

  /** Runs jobs one after the other; returns their ids, which sort like their ends: also if these are in one millisecond. */
  async function run(keep: JobsOptions['removeOnComplete'], count: number): Promise<string[]> {
    const jobs = await queue.addBulk(
      Array.from({ length: count }, () => {
        const jobId = `job-${String(added++).padStart(4, '0')}`;
        return { name, data, opts: keep === undefined ? { jobId } : { jobId, [option]: keep } };
      }),
    );
    await waitFor(`end of ${count} jobs`, async () => {
      return (await queue.getJobCountByTypes('wait', 'active', 'delayed')) === 0;
    });
    return jobs.map(({ id }) => id as string);
  }

  /** Ids of the jobs that are there, oldest first. */
  async function kept(): Promise<(string | undefined)[]> {
    return (await queue.getJobs(state, 0, -1, true)).map(({ id }) => id);
  }

  /** Nothing of a job is left: neither its hash nor any key beside it. */
  async function expectGone(id: string): Promise<void> {
    const base = queue.toKey(id);
    expect((await system.keys(queue.name)).filter((key) => key === base || key.startsWith(`${base}:`))).toEqual([]);
  }

  test('is kept by default', async () => {
    const ids = await run(undefined, 2);
    expect((await kept()).slice(-2)).toEqual(ids);
  });

  test('is kept with false', async () => {
    const ids = await run(false, 2);
    expect((await kept()).slice(-2)).toEqual(ids);
  });

  test('is removed with true', async () => {
    const before = await kept();
    const ids = await run(true, 2);
    expect(await kept()).toEqual(before);
    for (const id of ids) await expectGone(id);
  });

  test.each([
    ['a number', 2],
    ['a count', { count: 2 }],
  ])('is one of the last so many with %s', async (_, keep) => {
    const ids = await run(keep, 4);
    expect(await kept()).toEqual(ids.slice(-2));
    for (const id of ids.slice(0, 2)) await expectGone(id);
  });

  test('is removed with a number of 0', async () => {
    const [id = ''] = await run(0, 1);
    await expectGone(id);
  });

  test('is removed by a later one when it is older than an age', async () => {
    const [old = '', young = ''] = await run(undefined, 2);
    await system.redis.zadd(queue.toKey(state), Date.now() - 2 * DAY_S * 1_000, old);
    const [last = ''] = await run({ age: DAY_S }, 1);
    expect(await kept()).toEqual(expect.arrayContaining([young, last]));
    expect(await kept()).not.toContain(old);
    await expectGone(old);
  });

  test('is removed by age and count, whatever comes first', async () => {
    const [old = ''] = await run(undefined, 1);
    await system.redis.zadd(queue.toKey(state), Date.now() - 2 * DAY_S * 1_000, old);
    const ids = await run({ age: DAY_S, count: 2 }, 3);
    expect(await kept()).toEqual(ids.slice(-2));
    await expectGone(old);
  });
});
