import type { Redis } from 'ioredis';

/** Something in Redis that is a job, or will make one. */
export interface StoredJob {
  /** A state of BullMQ, or what else keeps it. */
  readonly place:
    | 'waiting'
    | 'prioritized'
    | 'paused'
    | 'delayed'
    | 'active'
    | 'waiting-children'
    | 'failed'
    | 'scheduler'
    | 'record';
  readonly id: string;
  readonly name: string;
  /** Undefined for jobs of a producer that knows of no contract. */
  readonly fingerprint: string | undefined;
  /** JSON text. */
  readonly data: string;
}

/** Where BullMQ keeps the ids of jobs that are not over, or may be tried again (bullmq 6.7.0, `queue-keys`). */
const LISTS = { wait: 'waiting', paused: 'paused', active: 'active' } as const;
const SORTED_SETS = {
  prioritized: 'prioritized',
  delayed: 'delayed',
  'waiting-children': 'waiting-children',
  failed: 'failed',
} as const;

/** How many jobs are read at a time. */
const BATCH = 500;

/**
 * Reads every job of a queue that a worker may still get, the templates of schedulers, and the records of deduplication that
 * keep the next job (`keepLastIfActive`). What moves from one state to another meanwhile may be seen twice, or not at all.
 */
export async function* storedJobs(redis: Redis, prefix: string, queue: string): AsyncGenerator<StoredJob> {
  const base = `${prefix}:${queue}`;
  for (const [key, place] of Object.entries(LISTS)) {
    yield* inState(redis, base, place, (from, to) => redis.lrange(`${base}:${key}`, from, to));
  }
  for (const [key, place] of Object.entries(SORTED_SETS)) {
    yield* inState(redis, base, place, (from, to) => redis.zrange(`${base}:${key}`, from, to));
  }
  yield* inState(
    redis,
    base,
    'scheduler',
    (from, to) => redis.zrange(`${base}:repeat`, from, to),
    (id) => `${base}:repeat:${id}`,
  );
  const records = `${base}:dn:`;
  for await (const keys of redis.scanStream({ match: `${escapeGlob(records)}*`, count: BATCH })) {
    const ids = (keys as string[]).map((key) => key.slice(records.length));
    yield* read(redis, 'record', ids, (id) => `${records}${id}`);
  }
}

async function* inState(
  redis: Redis,
  base: string,
  place: StoredJob['place'],
  range: (from: number, to: number) => Promise<string[]>,
  keyOf = (id: string): string => `${base}:${id}`,
): AsyncGenerator<StoredJob> {
  for (let from = 0; ; from += BATCH) {
    const ids = await range(from, from + BATCH - 1);
    yield* read(redis, place, ids, keyOf);
    if (ids.length < BATCH) {
      return;
    }
  }
}

async function* read(
  redis: Redis,
  place: StoredJob['place'],
  ids: readonly string[],
  keyOf: (id: string) => string,
): AsyncGenerator<StoredJob> {
  if (ids.length === 0) {
    return;
  }
  const pipeline = redis.pipeline();
  for (const id of ids) {
    pipeline.hmget(keyOf(id), 'name', 'opts', 'data');
  }
  for (const [index, [error, fields]] of ((await pipeline.exec()) ?? []).entries()) {
    if (error !== null) {
      throw error;
    }
    const [name, opts, data] = fields as (string | null)[];
    // Gone by now; or, of a scheduler, one of BullMQ 4, which has no template.
    if (name !== null && name !== undefined) {
      yield { place, id: String(ids[index]), name, fingerprint: fingerprintOf(opts ?? '{}'), data: data ?? '{}' };
    }
  }
}

function fingerprintOf(opts: string): string | undefined {
  try {
    const fingerprint: unknown = (JSON.parse(opts) as Record<string, unknown>).contractFingerprint;
    return typeof fingerprint === 'string' ? fingerprint : undefined;
  } catch {
    return undefined;
  }
}

function escapeGlob(text: string): string {
  return text.replace(/[\\*?[\]]/g, '\\$&');
}
