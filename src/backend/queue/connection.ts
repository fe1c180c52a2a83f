import { Redis } from 'ioredis';
import type { Log } from '../log.js';

/**
 * Opens the backend's connection to Redis. It keeps trying to connect for ever; a command that finds no connection fails
 * after two tries, so that a request is answered instead of waiting for Redis to come back.
 */
export function connectRedis(url: string, log: Log): Redis {
  const options = {
    maxRetriesPerRequest: 1,
    connectTimeout: 5_000,
    retryStrategy: (attempt: number) => Math.min(attempt * 200, 2_000),
  };
  const redis = url.startsWith('unix://')
    ? new Redis({ ...options, path: decodeURIComponent(new URL(url).pathname) })
    : new Redis(url, options);
  reportState(redis, log);
  return redis;
}

/**
 * Rejects while Redis cannot be reached. Ask this before BullMQ: its objects wait for their first connection without an
 * end, and with them would whoever called, also when the process wants to stop.
 */
export async function requireRedis(redis: Redis): Promise<void> {
  try {
    await redis.ping();
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new Error(`Redis cannot be reached: ${said}`, { cause: error });
  }
}

/** Says once that Redis is away, and once that it is back. Without a listener, ioredis prints every failed attempt. */
function reportState(redis: Redis, log: Log): void {
  let away = false;
  redis.on('error', (error: Error) => {
    if (away) return;
    away = true;
    log.error({ err: error }, 'Redis cannot be reached; trying again');
  });
  redis.on('ready', () => {
    log.info({}, 'connected to Redis');
    away = false;
  });
}
