import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll } from 'vitest';

/** The Redis for tests; those that need one are skipped without it. */
export const REDIS_URL = process.env.REDIS_URL;

/** A connection and a key prefix of its own for the tests of a file. Afterwards the keys are gone, and only they. */
export function useRedis(): { readonly connection: Redis; readonly prefix: string } {
  const prefix = `test-${randomUUID()}`;
  const redis = { prefix, connection: undefined as unknown as Redis };

  beforeAll(() => {
    redis.connection = new Redis(REDIS_URL ?? '');
  });

  afterAll(async () => {
    const keys = await keysOf(redis.connection, prefix);
    if (keys.length > 0) {
      await redis.connection.unlink(keys);
    }
    await redis.connection.quit();
  });

  return redis;
}

/** Every key under a prefix. */
export async function keysOf(connection: Redis, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const batch of connection.scanStream({ match: `${prefix}:*`, count: 1_000 })) {
    keys.push(...(batch as string[]));
  }
  return keys;
}
