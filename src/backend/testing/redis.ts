import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll } from 'vitest';

/** Redis for one test file: the address, a key prefix of its own, and a connection; its keys are gone afterwards. */
export function testRedis() {
  const url = process.env.REDIS_URL;
  if (!url) throw new Error('These tests need a Redis: run them with `npm test`, or set REDIS_URL');
  const prefix = `test-${randomUUID()}`;
  const redis = new Redis(url, { maxRetriesPerRequest: null });
  afterAll(async () => {
    for await (const keys of redis.scanStream({ match: `${prefix}:*`, count: 1_000 })) {
      if (keys.length > 0) await redis.unlink(...keys);
    }
    redis.disconnect();
  });
  return { url, prefix, redis };
}
