import { expect, test } from 'vitest';
import { type Stage, useTwins } from './twins.js';

const JOBS = 12;
const GENEROUS_MS = 250;

const twins = useTwins();

/** By how much delayed jobs started after their time, in ms: the median, and the most. */
async function lateness(stage: Stage, apart: number): Promise<{ median: number; most: number }> {
  const { queue, system } = stage;
  await stage.startWorker();
  for (let n = 0; n < JOBS; n++) {
    // Where the worker sleeps without a time to wake up, or with a later one.
    if (n % 3 === 0) await system.workerIsIdle(queue.name);
    await queue.add('echo', n, { delay: 60 + n * apart });
  }
  await stage.allSettled();
  const jobs = await queue.getCompleted();
  expect(jobs).toHaveLength(JOBS);
  const late = await Promise.all(
    jobs.map(async ({ id = '', opts }) => {
      const [added, started] = await system.redis.hmget(queue.toKey(id), 'timestamp', 'processedOn');
      return Number(started) - Number(added) - (opts.delay ?? 0);
    }),
  );
  late.sort((a, b) => a - b);
  // None starts before its time.
  expect(late[0]).toBeGreaterThanOrEqual(0);
  return { median: late[JOBS / 2] ?? 0, most: late.at(-1) ?? 0 };
}

test.each([
  ['one after the other', 37],
  ['of the same moment', 0],
  ['in reverse order', -4],
])('delayed jobs start in time, as with BullMQ: %s', async (_, apart) => {
  const seen: { median: number; most: number }[] = [];
  // One after the other, so that neither is late because of the other.
  for (const language of ['python', 'node'] as const) {
    await twins.in(language, async (stage) => seen.push(await lateness(stage, apart)));
  }
  const [python, node] = seen;
  expect(python?.median).toBeLessThanOrEqual((node?.median ?? 0) + GENEROUS_MS);
});
