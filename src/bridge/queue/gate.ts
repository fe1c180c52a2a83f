import type { JobsOptions } from 'bullmq';
import * as z from 'zod';
import { priorityNumber } from '../contract/options.js';
import type { QueueContract } from '../contract/queue.js';
import type { Schema } from '../contract/schema.js';
import { wireJobs } from '../contract/wire.js';
import { ContractError, type Violation } from './contract-error.js';
import type { CallOptions } from './job.js';
import { readThrough } from './reading.js';

/** A job as it goes to BullMQ: data in its wire form, options complete. */
export interface AdmittedJob {
  readonly name: string;
  readonly data: unknown;
  readonly opts: JobsOptions;
}

/** A job as a caller hands it over, and which one it is among several. */
export interface Candidate {
  readonly name: string;
  readonly data: unknown;
  readonly opts?: CallOptions;
  readonly item?: () => string;
}

/** What is known of a job before the first one is added. */
interface Prepared {
  readonly schema: Schema;
  /** Present when the schema has a codec: parsed values are encoded again. */
  readonly encode: ((value: unknown) => unknown) | undefined;
  readonly opts: JobsOptions;
}

const gates = new WeakMap<QueueContract, Gate>();

/**
 * The first of the four gates: what does not fit the contract does not reach Redis.
 *
 * What passes is what the schema makes of the data (defaults filled in, unknown keys dropped), not what the caller gave.
 */
export class Gate {
  readonly #queue: string;
  readonly #jobs: ReadonlyMap<string, Prepared>;

  /**
   * The gate of a contract, made once.
   *
   * @throws ContractLintError when the contract has a schema that Python could not check.
   */
  static of(contract: QueueContract): Gate {
    const gate = gates.get(contract) ?? new Gate(contract);
    gates.set(contract, gate);
    return gate;
  }

  private constructor(contract: QueueContract) {
    this.#queue = contract.name;
    this.#jobs = new Map(
      [...wireJobs(contract)].map(([name, wire]) => {
        const { data: schema } = contract.jobs[name] as QueueContract['jobs'][string];
        const encode = wire.encodesData ? (value: unknown) => z.encode(schema as z.core.$ZodType, value) : undefined;
        // BullMQ keeps unknown options through add, bulk, flow, retry and schedulers.
        const opts = { ...wire.options, contractFingerprint: wire.fingerprint } as JobsOptions;
        return [name, { schema, encode, opts: Object.freeze(opts) }];
      }),
    );
  }

  /** Admits one job, or throws {@link ContractError} with everything that is wrong with it. */
  admit(candidate: Candidate): AdmittedJob {
    const violations: Violation[] = [];
    const admitted = this.examine(candidate, violations);
    if (admitted === undefined) {
      throw new ContractError('data', violations);
    }
    return admitted;
  }

  /** Admits one job, or adds what is wrong with it to `violations`. */
  examine({ name, data, opts, item }: Candidate, violations: Violation[]): AdmittedJob | undefined {
    const violation = (path: string, message: string): void => {
      violations.push({
        queue: this.#queue,
        job: name,
        ...(item === undefined ? {} : { item: item() }),
        path,
        message,
      });
    };
    const job = this.#jobs.get(name);
    if (job === undefined) {
      violation('', `there is no such job; the queue has ${[...this.#jobs.keys()].join(', ')}`);
      return undefined;
    }
    const reading = readThrough(job.schema, data);
    if ('issues' in reading) {
      for (const { path, message } of reading.issues) {
        violation(path, message);
      }
      return undefined;
    }
    return {
      name,
      data: job.encode === undefined ? reading.value : job.encode(reading.value),
      opts: opts === undefined ? job.opts : mergeOptions(job.opts, opts),
    };
  }
}

/** Options of the call win; one that is undefined does not. */
function mergeOptions(contractOptions: JobsOptions, callOptions: CallOptions): JobsOptions {
  const given = Object.entries(callOptions).filter(([, value]) => value !== undefined);
  const merged: JobsOptions = Object.assign({}, contractOptions, Object.fromEntries(given));
  if (callOptions.priority !== undefined) {
    merged.priority = priorityNumber(callOptions.priority);
  }
  return merged;
}
