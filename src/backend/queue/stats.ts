import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { PRIORITIES } from '../../bridge/index.js';

/** A look at the queue. */
export interface QueueStats {
  readonly queue: string;
  readonly paused: boolean;
  /** Jobs by state, as BullMQ names them. */
  readonly counts: Readonly<Record<string, number>>;
  /** Waiting jobs by the name of their priority. `none` goes before all others: nothing of ours has it. */
  readonly priorities: Readonly<Record<'none' | 'high' | 'normal' | 'low' | 'other', number>>;
  /** The connections that workers wait on, by which one sees who is there; null for a worker without a name. */
  readonly workers: readonly { readonly name: string | null; readonly address: string }[];
  /** Milliseconds since the oldest waiting job was added; null when none waits. Depth alone says nothing about health. */
  readonly oldestWaitingMs: number | null;
}

/** Scores of `prioritized` are the priority times this, plus a counter. */
const priorityStep = 2 ** 32;
/** Priorities that are looked at for the oldest job; the contracts use three. */
const mostPriorities = 50;

/** Reads {@link QueueStats} from Redis. */
export async function readQueueStats(queue: Queue, redis: Redis): Promise<QueueStats> {
  const [counts, byPriority, paused, workers, oldest] = await Promise.all([
    queue.getJobCounts(),
    queue.getCountsPerPriority([0, ...Object.values(PRIORITIES)]),
    queue.isPaused(),
    queue.getWorkers(),
    oldestWaiting(queue, redis),
  ]);
  const named = {
    high: count(byPriority, PRIORITIES.high),
    normal: count(byPriority, PRIORITIES.normal),
    low: count(byPriority, PRIORITIES.low),
  };
  const other = (counts.prioritized ?? 0) - named.high - named.normal - named.low;
  return {
    queue: queue.name,
    paused,
    counts,
    priorities: { none: count(byPriority, 0), ...named, other: Math.max(0, other) },
    workers: workers.map(({ rawname, addr }) => ({ name: workerName(rawname), address: addr ?? '' })),
    oldestWaitingMs: oldest === undefined ? null : Math.max(0, Date.now() - oldest),
  };
}

function count(counts: Readonly<Record<string, number>>, priority: number): number {
  return counts[String(priority)] ?? 0;
}

/** A worker with a name has it at the end of its connection's: `<prefix>:<queue in base64>:w:<name>`. */
function workerName(connectionName: string | undefined): string | null {
  return /:w:(.+)$/.exec(connectionName ?? '')?.[1] ?? null;
}

/** When the oldest job that could start now was added. */
async function oldestWaiting(queue: Queue, redis: Redis): Promise<number | undefined> {
  const candidates: string[] = [];
  // `wait` is taken from its right end. It may also hold the zero-job marker of an older BullMQ, which has no hash.
  const [last] = await redis.lrange(queue.toKey('wait'), -1, -1);
  if (last !== undefined) candidates.push(last);
  // Within one priority the oldest comes first, so one job of each is enough.
  let from = 0;
  for (let seen = 0; seen < mostPriorities; seen += 1) {
    const [id, score] = await redis.zrangebyscore(
      queue.toKey('prioritized'),
      from,
      '+inf',
      'WITHSCORES',
      'LIMIT',
      0,
      1,
    );
    if (id === undefined) break;
    candidates.push(id);
    from = (Math.floor(Number(score) / priorityStep) + 1) * priorityStep;
  }
  const times = await Promise.all(candidates.map((id) => redis.hget(queue.toKey(id), 'timestamp')));
  const known = times.filter((time) => time !== null).map(Number);
  return known.length === 0 ? undefined : Math.min(...known);
}
