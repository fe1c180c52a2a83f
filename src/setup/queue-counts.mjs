/**
 * Where BullMQ keeps the jobs of a queue: the redis-cli command that counts them, and which jobs these are.
 *
 * @type {ReadonlyArray<{ command: 'LLEN' | 'ZCARD', state: string, meaning: string }>}
 */
export const PLACES = [
  { command: 'LLEN', state: 'wait', meaning: 'jobs without a priority; ours all have one, so none of them' },
  { command: 'ZCARD', state: 'prioritized', meaning: 'here our jobs wait: aggregates (1) go before files (10)' },
  { command: 'LLEN', state: 'active', meaning: 'in the hands of a worker' },
  { command: 'ZCARD', state: 'delayed', meaning: 'waiting for their next attempt, or for their time' },
  { command: 'ZCARD', state: 'waiting-children', meaning: 'aggregates whose files have not all settled' },
  { command: 'ZCARD', state: 'completed', meaning: 'done; the last 100 are kept' },
  { command: 'ZCARD', state: 'failed', meaning: 'failed for good; the last 1,000 are kept' },
];

/**
 * Counts the jobs in each place.
 *
 * @param {import('ioredis').Redis} redis
 * @param {string} queueKey prefix and name, for example `bull:file-processing`
 * @returns {Promise<number[]>} in the order of `PLACES`
 */
export async function countJobs(redis, queueKey) {
  const pipeline = redis.pipeline();
  for (const { command, state } of PLACES) {
    if (command === 'LLEN') pipeline.llen(`${queueKey}:${state}`);
    else pipeline.zcard(`${queueKey}:${state}`);
  }
  const replies = (await pipeline.exec()) ?? [];
  return replies.map(([error, count]) => {
    if (error) throw error;
    return Number(count);
  });
}

/**
 * Counts again and again until told to stop, and keeps the most that was seen in each place.
 *
 * @param {import('ioredis').Redis} redis
 * @param {string} queueKey
 * @param {number} [everyMs]
 * @returns {() => Promise<number[]>} stops and gives the most
 */
export function watchMostJobs(redis, queueKey, everyMs = 20) {
  /** @type {number[]} */
  let most = PLACES.map(() => 0);
  let watching = true;
  const watched = (async () => {
    while (watching) {
      const counts = await countJobs(redis, queueKey);
      most = most.map((count, i) => Math.max(count, counts[i] ?? 0));
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
    return most;
  })();
  return () => {
    watching = false;
    return watched;
  };
}
