import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';

/** An entry of a queue's event stream. */
export interface StreamEntry {
  /** When Redis wrote it, in ms since the epoch. */
  readonly at: number;
  readonly event: string;
  readonly jobId: string | undefined;
  readonly fields: Readonly<Record<string, string>>;
}

/** The event stream of a queue, in order; of one job if its id is given. */
export async function readStream(redis: Redis, queue: Queue, jobId?: string): Promise<StreamEntry[]> {
  const entries = await redis.xrange(queue.toKey('events'), '-', '+');
  return entries
    .map(([id, flat]) => {
      const { event = '', ...fields } = Object.fromEntries(pairs(flat));
      return { at: Number(id.split('-')[0]), event, jobId: fields.jobId, fields };
    })
    .filter((entry) => jobId === undefined || entry.jobId === jobId);
}

/** Ids of jobs in the order in which a kind of event happened to them. */
export async function orderOf(event: string, redis: Redis, queue: Queue): Promise<(string | undefined)[]> {
  return (await readStream(redis, queue)).filter((entry) => entry.event === event).map(({ jobId }) => jobId);
}

/** A flat list of keys and values as pairs. */
export function pairs(flat: readonly string[]): [string, string][] {
  return flat.flatMap((key, index) => (index % 2 === 0 ? [[key, flat[index + 1] ?? ''] as [string, string]] : []));
}
