import type { KeepJobs, Queue } from 'bullmq';
import { describe, expect, test } from 'vitest';
import { type Stage, useTwins } from './twins.js';

const DAY_S = 86_400;
const twins = useTwins();

/** Makes finished jobs as old as two days. */
async function age({ system, queue }: Stage, state: 'completed' | 'failed', ids: readonly string[]): Promise<void> {
  const then = Date.now() - 2 * DAY_S * 1_000;
  for (const id of ids) await system.redis.zadd(queue.toKey(state), then, id);
}

async function idsOf(queue: Queue, state: 'completed' | 'failed'): Promise<(string | undefined)[]> {
  return (await queue.getJobs(state, 0, -1, true)).map(({ id }) => id);
}

describe.each([
  ['completed', 'removeOnComplete', 'echo'],
  ['failed', 'removeOnFail', 'fail'],
] as const)('what a worker keeps of jobs that have %s', (state, option, name) => {
  const data = { message: 'x' };

  /** Four jobs that are old, then three that are not, which the worker works with a setting. */
  async function work(stage: Stage, keep: KeepJobs): Promise<unknown> {
    const old = await stage.startWorker();
    const ids = ['old-1', 'old-2', 'old-3', 'old-4'];
    await stage.queue.addBulk(ids.map((jobId) => ({ name, data, opts: { jobId } })));
    await stage.atRest();
    await old.close();
    await age(stage, state, ids);
    await stage.startWorker({ [option]: keep });
    await stage.queue.addBulk(['new-1', 'new-2', 'new-3'].map((jobId) => ({ name, data, opts: { jobId } })));
    await stage.atRest();
    return idsOf(stage.queue, state);
  }

  test.each<[string, KeepJobs, string[]]>([
    ['so many', { count: 2 }, ['new-2', 'new-3']],
    ['those of some age', { age: DAY_S }, ['new-1', 'new-2', 'new-3']],
    ['those of some age, removing so many at a time', { age: DAY_S, limit: 1 }, ['old-1', 'new-1', 'new-2', 'new-3']],
    ['some of some age', { age: DAY_S, count: 1 }, ['new-3']],
  ])('is %s', async (_, keep, kept) => {
    const { seen } = await twins.expectSame((stage) => work(stage, keep));
    expect(seen).toEqual(kept);
  });

  test('is nothing with a count of 0', async () => {
    const { seen } = await twins.expectSame(async (stage) => {
      await stage.startWorker({ [option]: { count: 0 } });
      await stage.queue.addBulk([1, 2, 3].map(() => ({ name, data })));
      await stage.atRest();
      return idsOf(stage.queue, state);
    });
    expect(seen).toEqual([]);
  });

  test('is what the job says, where it says something', async () => {
    const { seen } = await twins.expectSame(async (stage) => {
      await stage.startWorker({ [option]: { count: 0 } });
      await stage.queue.addBulk([
        { name, data, opts: { jobId: 'kept', [option]: false } },
        { name, data, opts: { jobId: 'not kept' } },
        { name, data, opts: { jobId: 'kept too', [option]: 5 } },
      ]);
      await stage.atRest();
      return idsOf(stage.queue, state);
    });
    expect(seen).toEqual(['kept', 'kept too']);
  });
});
