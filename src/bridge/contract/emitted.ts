import type { PastVerdicts } from '../compatibility/past-verdict.js';
import type { JsonSchema } from './canonical.js';
import { CONTRACT_FILE } from './document.js';
import type { WireOptions } from './options.js';

/** A job as `emit` wrote it. */
export interface EmittedJob {
  readonly fingerprint: string;
  readonly data: JsonSchema;
  readonly result: JsonSchema;
  readonly options: WireOptions;
  /** What `check` says of earlier versions; absent without any, and in what an older `emit` wrote. */
  readonly past?: PastVerdicts;
}

/** Emitted jobs by queue and name. */
export type EmittedQueues = ReadonlyMap<string, ReadonlyMap<string, EmittedJob>>;

/**
 * Reads what `emit` wrote.
 *
 * @param read - the text of a file of the schemas folder; undefined when there is none of that name.
 * @returns undefined when there is no contract.
 * @throws SyntaxError or TypeError when a file is damaged.
 */
export function parseEmitted(read: (name: string) => string | undefined): EmittedQueues | undefined {
  const text = read(CONTRACT_FILE);
  if (text === undefined) {
    return undefined;
  }
  const schema = (name: string): JsonSchema => {
    const file = read(name);
    if (file === undefined) {
      throw new TypeError(`${CONTRACT_FILE} names ${name}, which is missing`);
    }
    return JSON.parse(file) as JsonSchema;
  };
  const { queues } = JSON.parse(text) as ContractDocument;
  return mapEntries(queues, ({ jobs }) =>
    mapEntries(jobs, (job) => ({ ...job, data: schema(job.data), result: schema(job.result) })),
  );
}

interface ContractDocument {
  readonly queues: Readonly<
    Record<
      string,
      {
        readonly jobs: Readonly<
          Record<string, Omit<EmittedJob, 'data' | 'result'> & { readonly data: string; readonly result: string }>
        >;
      }
    >
  >;
}

function mapEntries<From, To>(record: Readonly<Record<string, From>>, change: (from: From) => To): Map<string, To> {
  return new Map(Object.entries(record).map(([name, value]) => [name, change(value)]));
}
