import type { Job } from 'bullmq';
import * as z from 'zod';
import type { Connection } from './connection.js';

/** The field of a job's hash in which the Python worker records why the last attempt failed. */
const FAILURE_FIELD = 'bridgeFailure';

const FailureRecord = z.object({
  /** Why the attempt failed. */
  kind: z.enum([
    'raised',
    'cancelled',
    'contract_violation',
    'unknown_job',
    'timed_out',
    'killed_memory',
    'crashed',
    'deferred',
  ]),
  /** Name of the exception's class, or the kind. */
  type: z.string(),
  /** The same text as the job's `failedReason`. */
  message: z.string(),
  /** Which attempt failed, counted from 1. */
  attempt: z.int(),
  /** The traceback as Python prints it. */
  traceback: z.string().optional(),
  /** JSON pointers of what breaks the contract. */
  paths: z.array(z.string()).optional(),
});

/** Why an attempt of a job failed, as the Python worker recorded it. */
export type Failure = z.output<typeof FailureRecord>;

/** The kinds of failure that are told apart. */
export type FailureKind = Failure['kind'];

/** The fields of a job's hash that decide whether a record is the current one. */
export interface FailureFields {
  readonly record: string | null;
  readonly failedReason: string | null;
  readonly attemptsMade: string | null;
}

/**
 * Reads the failure record of a job.
 *
 * @param connection - a connection to the Redis that the job lies in.
 * @returns undefined when the job has not failed, was failed by something else than the Python worker, or has been retried
 *   since: neither BullMQ's `retry` nor a Node worker clears the record.
 */
export async function readFailure(
  connection: Connection,
  job: Pick<Job, 'id' | 'queueQualifiedName'>,
): Promise<Failure | undefined> {
  const key = `${job.queueQualifiedName}:${job.id}`;
  const [record = null, failedReason = null, attemptsMade = null] = await connection.hmget(
    key,
    FAILURE_FIELD,
    'failedReason',
    'atm',
  );
  return parseFailure({ record, failedReason, attemptsMade });
}

/** The record, when it is one and tells of the attempt that the job's own fields tell of. */
export function parseFailure({ record, failedReason, attemptsMade }: FailureFields): Failure | undefined {
  if (record === null) {
    return undefined;
  }
  const parsed = FailureRecord.safeParse(parseJson(record));
  if (!parsed.success) {
    return undefined;
  }
  const failure = parsed.data;
  const isCurrent = failure.message === failedReason && failure.attempt === Number(attemptsMade);
  return isCurrent ? failure : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
