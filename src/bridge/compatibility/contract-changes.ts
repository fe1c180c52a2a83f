import { canonicalJson, type Json, type JsonSchema } from '../contract/canonical.js';
import { mapSchema } from '../contract/emission/schema-walk.js';
import type { Payload } from '../contract/wire.js';
import { type Change, together, type Verdict } from './change.js';
import { pointerTo } from './objection.js';
import { payloadChanges } from './payload-changes.js';

/** One version of a job: its two schemas, and what identifies them. */
export interface JobVersion {
  readonly fingerprint: string;
  readonly data: JsonSchema;
  readonly result: JsonSchema;
}

/** Jobs by queue and name. */
export type Contracts = ReadonlyMap<string, ReadonlyMap<string, JobVersion>>;

/** A version that ran once, and may have left jobs in Redis. */
export interface PastVersion extends JobVersion {
  readonly queue: string;
  readonly job: string;
}

/** What has changed for a job, or for a queue as a whole. */
export interface JobReport {
  readonly queue: string;
  /** Undefined where a whole queue has come or gone. */
  readonly job?: string;
  /** Since which version, where it is not the one that still runs. */
  readonly since?: string;
  readonly verdict: Verdict;
  readonly changes: readonly Change[];
}

const PAYLOADS: readonly Payload[] = ['data', 'result'];

/**
 * Compares the contracts that run with those that are to run: whether what the older have written, and may still write, can
 * be read, and whether what the newer write can be read by what still runs.
 *
 * @param past - versions that ran before: what they left in Redis has to be readable as well as it is now.
 * @returns what has changed, for those jobs for which anything has.
 */
export function contractChanges(older: Contracts, newer: Contracts, past: readonly PastVersion[] = []): JobReport[] {
  const queues = [...new Set([...older.keys(), ...newer.keys()])].sort();
  return queues.flatMap((queue) => {
    const [before, after] = [older.get(queue), newer.get(queue)];
    if (before === undefined || after === undefined) {
      return [report({ queue }, [before === undefined ? QUEUE_ADDED : QUEUE_REMOVED])];
    }
    const jobs = [...new Set([...before.keys(), ...after.keys()])].sort();
    return jobs.flatMap((job) => {
      const earlier = past.filter((version) => version.queue === queue && version.job === job);
      return jobReports(queue, job, before.get(job), after.get(job), earlier);
    });
  });
}

/** What has changed for a job since a version that only has left jobs in Redis: nobody who runs it is left. */
export function changesSince(version: JobVersion, now: JobVersion): Change[] {
  return PAYLOADS.flatMap((payload) => payloadChanges(payload, version[payload], now[payload], { stillRuns: false }));
}

/** The change of a job that is no more. */
export const JOB_REMOVED: Change = {
  rule: 'job-removed',
  pointer: '',
  verdict: 'producers first and drain',
  message: 'The job is gone: those of its name that are in Redis fail as unknown_job.',
};

const JOB_ADDED: Change = {
  rule: 'job-added',
  pointer: '',
  verdict: 'consumers first',
  message: 'The job is new: a consumer that does not know it yet fails it for good, as unknown_job.',
};

const QUEUE_ADDED: Change = {
  rule: 'queue-added',
  pointer: '',
  verdict: 'any order',
  message: 'The queue is new: its jobs wait until a consumer comes.',
};

/** The change of a queue that is no more. */
export const QUEUE_REMOVED: Change = {
  rule: 'queue-removed',
  pointer: '',
  verdict: 'producers first and drain',
  message: 'The queue is gone: its jobs stay in Redis, and nobody takes them.',
};

function jobReports(
  queue: string,
  job: string,
  before: JobVersion | undefined,
  after: JobVersion | undefined,
  earlier: readonly PastVersion[],
): JobReport[] {
  if (after === undefined) {
    return [report({ queue, job }, [JOB_REMOVED])];
  }
  if (before === undefined) {
    const isReused = earlier.length > 0 && earlier.every(({ fingerprint }) => fingerprint !== after.fingerprint);
    return [report({ queue, job }, isReused ? [reused('', `The job '${job}'`), JOB_ADDED] : [JOB_ADDED])];
  }
  const changes = PAYLOADS.flatMap((payload) => payloadChanges(payload, before[payload], after[payload]));
  const names = PAYLOADS.flatMap((payload) => reusedNames(payload, before, after, earlier));
  const since = earlier
    .filter(({ fingerprint }) => fingerprint !== before.fingerprint && fingerprint !== after.fingerprint)
    .flatMap((version) => {
      // What already was so for the version that runs has been accepted, or drained, when that was deployed.
      const known = new Set([...changes, ...changesSince(version, before)].map(placeOf));
      const more = changesSince(version, after).filter(
        (change) => change.verdict !== 'any order' && !known.has(placeOf(change)),
      );
      return more.length === 0 ? [] : [report({ queue, job, since: version.fingerprint }, more)];
    });
  const all = [...names, ...changes];
  return [...(all.length === 0 ? [] : [report({ queue, job }, all)]), ...since];
}

function report(place: Omit<JobReport, 'verdict' | 'changes'>, changes: readonly Change[]): JobReport {
  return { ...place, verdict: together(changes.map(({ verdict }) => verdict)), changes };
}

/** Properties that were there once, were not in the version that runs, and are back with another meaning. */
function reusedNames(
  payload: Payload,
  before: JobVersion,
  after: JobVersion,
  earlier: readonly PastVersion[],
): Change[] {
  const [running, coming] = [properties(before[payload]), properties(after[payload])];
  const once = earlier.map((version) => properties(version[payload]));
  return [...coming]
    .filter(([pointer, text]) => {
      const meanings = once.flatMap((version) => version.get(pointer) ?? []);
      return !running.has(pointer) && meanings.length > 0 && meanings.every((meaning) => meaning !== text);
    })
    .map(([pointer]) => ({ ...reused(pointer, 'The property'), payload }));
}

function reused(pointer: string, what: string): Change {
  return {
    rule: 'name-reused',
    pointer,
    verdict: 'breaking',
    message: `${what} was there once and meant something else: what is left in Redis of that time would be misread. Choose another name.`,
  };
}

/** The properties of a schema: where, and what is said of them, descriptions included. */
function properties(schema: JsonSchema): Map<string, string> {
  const found = new Map<string, string>();
  mapSchema(schema, (part, path) => {
    for (const [name, property] of Object.entries((part.properties ?? {}) as JsonSchema)) {
      found.set(pointerTo('', ...path, 'properties', name), canonicalJson(property as Json));
    }
    return part;
  });
  return found;
}

function placeOf({ rule, payload, pointer }: Change): string {
  return `${rule} ${payload} ${pointer}`;
}
