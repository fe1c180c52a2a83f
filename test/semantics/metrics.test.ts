import { describe, expect, test } from 'vitest';
import { waitFor } from '../support/wait-for.js';
import { type Stage, useTwins } from './twins.js';

const MINUTE_MS = 60_000;
const twins = useTwins();

/** Lets the last job of a kind have ended so many minutes ago. */
async function ago({ system, queue }: Stage, minutes: number): Promise<void> {
  for (const state of ['completed', 'failed']) {
    const key = queue.toKey(`metrics:${state}`);
    const then = Number(await system.redis.hget(key, 'prevTS')) - minutes * MINUTE_MS;
    await system.redis.hset(key, 'prevTS', then);
  }
}

async function runOneOfEach({ queue, atRest }: Stage): Promise<void> {
  await queue.addBulk([
    { name: 'echo', data: 1 },
    { name: 'fail', data: { message: 'x' }, opts: { attempts: 2 } },
  ]);
  await atRest();
}

/** Number of jobs in each minute, the last one first. */
async function points({ queue }: Stage): Promise<unknown> {
  const completed = await queue.getMetrics('completed');
  const failed = await queue.getMetrics('failed');
  return [completed.meta.count, completed.data.map(Number), failed.meta.count, failed.data.map(Number)];
}

/** Waits until the minute of the clock is not about to end: in one of two runs only, it would add a point. */
async function withinAMinute(): Promise<void> {
  await waitFor('the next minute', () => Date.now() % MINUTE_MS < MINUTE_MS - 8_000);
}

// With times in them.
const CLOCK = ['metrics:completed', 'metrics:failed'];

describe('the metrics of a queue', () => {
  test('have a point for each minute, and as many as the worker says', async () => {
    const { seen } = await twins.expectSame(async (stage) => {
      stage.leftOut.push(...CLOCK);
      await withinAMinute();
      await stage.startWorker({ metricsPoints: 4 });
      await runOneOfEach(stage);
      await runOneOfEach(stage);
      await ago(stage, 2);
      await runOneOfEach(stage);
      await ago(stage, 3);
      await runOneOfEach(stage);
      return points(stage);
    });
    expect(seen).toEqual([4, expect.any(Array), 4, expect.any(Array)]);
    expect((seen as number[][])[1]).toHaveLength(4);
  });

  test('are not collected unless the worker says so', async () => {
    const { seen } = await twins.expectSame(async (stage) => {
      await stage.startWorker();
      await runOneOfEach(stage);
      return stage.system.redis.exists(stage.queue.toKey('metrics:completed'), stage.queue.toKey('metrics:failed'));
    });
    expect(seen).toBe(0);
  });
});
