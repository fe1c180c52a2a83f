import { Redis } from 'ioredis';
import { type Change, together } from '../compatibility/change.js';
import {
  type Contracts,
  changesSince,
  JOB_REMOVED,
  type JobReport,
  type JobVersion,
  type PastVersion,
  QUEUE_REMOVED,
} from '../compatibility/contract-changes.js';
import { SchemaDocument } from '../compatibility/schema-document.js';
import type { Json } from '../contract/canonical.js';
import { type StoredJob, storedJobs } from './check-redis-jobs.js';
import { CliError } from './error.js';

/** A version of a job that something in Redis was written with. */
export interface RedisReport extends JobReport {
  readonly found: Found;
}

/** What of a version is in Redis. */
export interface Found {
  /** How many jobs are in which state. */
  readonly states: Readonly<Record<string, number>>;
  /** Ids of schedulers whose template is of this version. */
  readonly schedulers: readonly string[];
  /** Ids of deduplications that keep a next job of this version. */
  readonly records: readonly string[];
  /** How many of all these the current schema refuses. */
  readonly refused: number;
  /** Ids of some of them. */
  readonly jobs: readonly string[];
}

/** Where to look. */
export interface RedisPlace {
  /** Undefined when the environment names none. */
  readonly url: string | undefined;
  readonly prefix: string;
}

const CONNECT_TIMEOUT_MS = 5_000;
const SHOWN_JOBS = 3;

/**
 * Says which versions of the current jobs, and which jobs of queues that are gone, are still in Redis, and whether the current
 * contracts can read them. Jobs of the current version are left out, and so are those without a fingerprint that the current schema accepts.
 *
 * @throws CliError when Redis is not named, is named wrongly, or cannot be reached.
 */
export async function redisReports(
  current: Contracts,
  history: readonly PastVersion[],
  { url, prefix }: RedisPlace,
): Promise<RedisReport[]> {
  if (url === undefined || url === '') {
    throw new CliError('--against redis needs REDIS_URL, for example redis://127.0.0.1:6379');
  }
  const { host } = addressOf(url);
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
  });
  // The error of a connection that is refused comes with the command that waits for it too.
  redis.on('error', () => {});
  try {
    await redis.connect();
    const reports: RedisReport[] = [];
    const gone = history.map(({ queue }) => queue).filter((queue) => !current.has(queue));
    for (const queue of [...current.keys(), ...new Set(gone)]) {
      reports.push(...(await queueReports(redis, prefix, queue, current.get(queue), history)));
    }
    return reports;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(`Redis at ${host} cannot be read: ${reason}`, { cause });
  } finally {
    redis.disconnect();
  }
}

/** A password with characters that end it would come back as a host: what has more than an address is not shown. */
function addressOf(url: string): URL {
  const address = URL.canParse(url) ? new URL(url) : undefined;
  const isAddress =
    address !== undefined &&
    /^rediss?:$/.test(address.protocol) &&
    address.host !== '' &&
    /^\/?\d*$/.test(address.pathname) &&
    !/[#@]/.test(address.search + address.hash);
  if (!isAddress) {
    throw new CliError(
      'REDIS_URL is not of the form redis://[[user]:password@]host[:port][/database]. In a password, write what means ' +
        'something in a URL as encodeURIComponent() does: %2F for /, %23 for #, %3F for ?, %40 for @.',
    );
  }
  return address;
}

/** What was found of one version of a job, while it is being counted. */
interface Tally {
  readonly job: string;
  readonly fingerprint: string | undefined;
  readonly states: Record<string, number>;
  readonly schedulers: string[];
  readonly records: string[];
  readonly refused: string[];
}

async function queueReports(
  redis: Redis,
  prefix: string,
  queue: string,
  jobs: ReadonlyMap<string, JobVersion> | undefined,
  history: readonly PastVersion[],
): Promise<RedisReport[]> {
  const readers = new Map([...(jobs ?? [])].map(([name, { data }]) => [name, new SchemaDocument(data)]));
  const tallies = new Map<string, Tally>();
  for await (const stored of storedJobs(redis, prefix, queue)) {
    if (stored.fingerprint !== undefined && stored.fingerprint === jobs?.get(stored.name)?.fingerprint) {
      continue;
    }
    const key = JSON.stringify([stored.name, stored.fingerprint]);
    const tally = tallies.get(key) ?? emptyTally(stored);
    tallies.set(key, tally);
    count(tally, stored, readers.get(stored.name));
  }
  return [...tallies.values()]
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
    .flatMap((tally) => {
      const now = jobs?.get(tally.job);
      const past = history.find(
        (version) => version.queue === queue && version.job === tally.job && version.fingerprint === tally.fingerprint,
      );
      const changes =
        now === undefined ? [jobs === undefined ? QUEUE_REMOVED : JOB_REMOVED] : changesOf(tally, past, now);
      return tally.fingerprint === undefined && changes.length === 0 ? [] : [reportOf(queue, tally, changes)];
    });
}

function changesOf(tally: Tally, past: PastVersion | undefined, now: JobVersion): readonly Change[] {
  if (past !== undefined) {
    // A result does not say which version it is of: those that are kept are not looked at.
    return changesSince(past, now).filter(({ payload }) => payload === 'data');
  }
  if (tally.fingerprint === undefined) {
    return tally.refused.length === 0 ? [] : [UNMARKED];
  }
  return [UNKNOWN];
}

const UNKNOWN: Change = {
  rule: 'version-unknown',
  payload: 'data',
  pointer: '',
  verdict: 'producers first and drain',
  message:
    'The history does not have this version, so only the data that is there now could be tried. It may be newer than the ' +
    'contracts here, or its file was deleted too early.',
};

const UNMARKED: Change = {
  rule: 'version-unknown',
  payload: 'data',
  pointer: '',
  verdict: 'producers first and drain',
  message: 'Jobs of a producer that knows of no contract do not fit the new version.',
};

function emptyTally({ name, fingerprint }: StoredJob): Tally {
  return { job: name, fingerprint, states: {}, schedulers: [], records: [], refused: [] };
}

function count(tally: Tally, { place, id, data }: StoredJob, reader: SchemaDocument | undefined): void {
  if (place === 'scheduler') {
    tally.schedulers.push(id);
  } else if (place === 'record') {
    tally.records.push(id);
  } else {
    tally.states[place] = (tally.states[place] ?? 0) + 1;
  }
  if (reader !== undefined && !isAccepted(reader, data)) {
    tally.refused.push(id);
  }
}

function isAccepted(reader: SchemaDocument, text: string): boolean {
  try {
    return reader.accepts([reader.root], JSON.parse(text) as Json);
  } catch {
    return false;
  }
}

function reportOf(queue: string, tally: Tally, changes: readonly Change[]): RedisReport {
  const { job, fingerprint, states, schedulers, records, refused } = tally;
  return {
    queue,
    job,
    since: fingerprint ?? 'none',
    verdict: together(changes.map(({ verdict }) => verdict)),
    changes,
    found: { states, schedulers, records, refused: refused.length, jobs: refused.slice(0, SHOWN_JOBS) },
  };
}

function keyOf({ job, fingerprint = '' }: Tally): string {
  return `${job}\n${fingerprint}`;
}
