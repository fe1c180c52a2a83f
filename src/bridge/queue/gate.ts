import type { JobsOptions } from 'bullmq';
import * as z from 'zod';
import { bytesBeyond, MAX_DATA_BYTES, MAX_RESULT_BYTES } from '../contract/limits.js';
import { priorityNumber } from '../contract/options.js';
import type { QueueContract } from '../contract/queue.js';
import type { Schema } from '../contract/schema.js';
import { Secrets } from '../contract/secrets.js';
import { type Payload, wireJobs } from '../contract/wire.js';
import { ContractError, type Violation } from './contract-error.js';
import type { CallOptions } from './job.js';
import { type Issue, issueAt, readThrough } from './reading.js';
import { tellIssue } from './telling.js';

/** A job as it goes to BullMQ: data in its wire form, options complete. */
export interface AdmittedJob {
  readonly name: string;
  readonly data: unknown;
  readonly opts: JobsOptions;
}

/** A job as a caller hands it over. */
export interface Candidate {
  readonly name: string;
  readonly data: unknown;
  readonly opts?: CallOptions;
}

/** What is known of a job before the first one is added. */
interface Prepared {
  readonly fingerprint: string;
  readonly data: Schema;
  readonly result: Schema;
  readonly secrets: Readonly<Record<Payload, Secrets>>;
  /** Present when the schema has a codec: parsed values are encoded again. */
  readonly encode: ((value: unknown) => unknown) | undefined;
  readonly opts: JobsOptions;
}

const gates = new WeakMap<QueueContract, Gate>();

/**
 * The first and the last of the four gates: what does not fit the contract does not reach Redis, nor the caller.
 *
 * What passes is what the schema makes of the payload (defaults filled in, unknown keys dropped), not what was given.
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
        const { data, result } = contract.jobs[name] as QueueContract['jobs'][string];
        const encode = wire.encodesData ? (value: unknown) => z.encode(data as z.core.$ZodType, value) : undefined;
        const secrets = { data: new Secrets(wire.data), result: new Secrets(wire.result) };
        // BullMQ keeps unknown options through add, bulk, flow, retry and schedulers. It copies them, so that all jobs may
        // share these: not frozen, because copying is slower then.
        const opts = { ...wire.options, contractFingerprint: wire.fingerprint } as JobsOptions;
        const { fingerprint } = wire;
        return [name, { fingerprint, data, result, secrets, encode, opts }];
      }),
    );
  }

  /** What identifies the two schemas of each job. */
  get fingerprints(): ReadonlyMap<string, string> {
    return new Map([...this.#jobs].map(([name, { fingerprint }]) => [name, fingerprint]));
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

  /** Admits one job, or adds what is wrong with it to `violations`; `item` says which one it is among several. */
  examine({ name, data, opts }: Candidate, violations: Violation[], item?: () => string): AdmittedJob | undefined {
    const job = this.#jobs.get(name);
    if (job === undefined) {
      const message = `there is no such job; the queue has ${[...this.#jobs.keys()].join(', ')}`;
      violations.push({ ...this.#place(name, item), path: '', pointer: '', rule: 'job', message, value: '' });
      return undefined;
    }
    const reading = readThrough(job.data, data);
    let { issues } = reading;
    if (issues === undefined) {
      const wired = job.encode === undefined ? reading.value : job.encode(reading.value);
      const bytes = bytesBeyond(MAX_DATA_BYTES, wired);
      if (bytes === undefined) {
        return { name, data: wired, opts: opts === undefined ? job.opts : mergeOptions(job.opts, opts) };
      }
      issues = [tooLong(bytes, MAX_DATA_BYTES)];
    }
    const place = this.#place(name, item);
    violations.push(...issues.map((issue) => ({ ...place, ...tellIssue(issue, data, job.secrets.data) })));
    return undefined;
  }

  #place(job: string, item: (() => string) | undefined) {
    return { queue: this.#queue, job, ...(item === undefined ? {} : { item: item() }) };
  }

  /**
   * Reads the result of a job as it lies in Redis.
   *
   * @throws {@link ContractError} when the result breaks the contract.
   * @throws RangeError when the contract has no such job.
   */
  readResult(name: string, returned: unknown): unknown {
    const job = this.#prepared(name);
    const bytes = bytesBeyond(MAX_RESULT_BYTES, returned);
    const { value, issues } =
      bytes === undefined ? readThrough(job.result, returned) : { issues: [tooLong(bytes, MAX_RESULT_BYTES)] };
    if (issues === undefined) {
      return value;
    }
    const place = { queue: this.#queue, job: name };
    throw new ContractError(
      'result',
      issues.map((issue) => ({ ...place, ...tellIssue(issue, returned, job.secrets.result) })),
    );
  }

  /**
   * A payload with `[secret]` in place of what its schema marks as secret.
   *
   * @throws RangeError when the contract has no such job.
   */
  redact(name: string, payload: Payload, value: unknown): unknown {
    return this.#prepared(name).secrets[payload].redact(value);
  }

  #prepared(name: string): Prepared {
    const job = this.#jobs.get(name);
    if (job === undefined) {
      throw new RangeError(`Queue '${this.#queue}' has no job '${name}'; it has ${[...this.#jobs.keys()].join(', ')}.`);
    }
    return job;
  }
}

function tooLong(bytes: number, limit: number): Issue {
  return issueAt([], 'size', `${bytes} bytes are more than the ${limit} that are allowed`);
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
