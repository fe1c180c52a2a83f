import { type Json, type JsonSchema, stableJson } from './canonical.js';
import { fileName } from './document.js';

/** The folder of earlier versions, within the schemas folder. */
export const HISTORY_FOLDER = 'history';

/** A version of a job that is not the current one: jobs written with it may still be in Redis. */
export interface PastJob {
  readonly queue: string;
  readonly job: string;
  readonly fingerprint: string;
  readonly data: JsonSchema;
  readonly result: JsonSchema;
}

/** The file of a version, within the schemas folder. */
export function historyFile({ queue, job, fingerprint }: Pick<PastJob, 'queue' | 'job' | 'fingerprint'>): string {
  return `${HISTORY_FOLDER}/${fileName(queue)}.${fileName(job)}.${fileName(fingerprint)}.json`;
}

/** The content of that file. */
export function renderPastJob({ queue, job, fingerprint, data, result }: PastJob): string {
  return stableJson({
    $comment:
      'An earlier version of a job, kept by `bullmq-bridge emit`. Delete it when nothing in Redis was written with it.',
    version: 1,
    queue,
    job,
    fingerprint,
    data: data as Json,
    result: result as Json,
  });
}

/**
 * Reads such a file.
 *
 * @throws SyntaxError or TypeError when it is damaged.
 */
export function parsePastJob(text: string): PastJob {
  const { version, queue, job, fingerprint, data, result } = JSON.parse(text) as PastJob & { version: number };
  const texts: readonly unknown[] = [queue, job, fingerprint];
  if (version !== 1 || !texts.every((text) => typeof text === 'string') || ![data, result].every(isSchema)) {
    throw new TypeError('it is no version of a job');
  }
  return { queue, job, fingerprint, data, result };
}

function isSchema(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
