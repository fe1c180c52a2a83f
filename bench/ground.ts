import { type JobsOptions, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Interpreters } from './contestant.js';

/** How large the benchmark is. */
export interface Scale {
  readonly rounds: number;
  /** Jobs of one round of a fast contestant. */
  readonly jobs: number;
  /** Jobs of one round where a job takes long, or where each is measured by itself. */
  readonly samples: number;
}

/** What every scenario stands on: one Redis, which nobody else uses, and the interpreters. */
export interface Ground {
  readonly redis: Redis;
  readonly redisUrl: string;
  readonly interpreters: Interpreters;
  readonly scale: Scale;
  /** Says what is going on. */
  readonly say: (text: string) => void;
}

const BULK = 1_000;
const POLL_MS = 5;
const ROUND_TIMEOUT_MS = 300_000;

/** A queue of the benchmark's. */
export function openQueue(ground: Ground, name: string): Queue {
  return new Queue(name, { connection: ground.redis });
}

/** Adds so many jobs. */
export async function fill(queue: Queue, count: number, data: unknown = {}, name = 'noop', opts: JobsOptions = {}) {
  for (let added = 0; added < count; added += BULK) {
    const size = Math.min(BULK, count - added);
    await queue.addBulk(Array.from({ length: size }, () => ({ name, data, opts })));
  }
}

/** Waits until so many jobs of the queue have completed, and throws when one has failed. */
export async function untilCompleted(ground: Ground, queue: Queue, count: number): Promise<void> {
  const deadline = Date.now() + ROUND_TIMEOUT_MS;
  while ((await ground.redis.zcard(queue.toKey('completed'))) < count) {
    if (await ground.redis.zcard(queue.toKey('failed'))) throw new Error(`a job of ${queue.name} has failed`);
    if (Date.now() > deadline) throw new Error(`${queue.name} was not done within ${ROUND_TIMEOUT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Microseconds that Redis has spent in scripts since the last `CONFIG RESETSTAT`. */
export async function microsecondsInScripts(redis: Redis): Promise<number> {
  const stats = await redis.info('commandstats');
  return [...stats.matchAll(/cmdstat_(?:evalsha|eval|fcall):calls=\d+,usec=(\d+)/g)].reduce(
    (sum, [, usec]) => sum + Number(usec),
    0,
  );
}
