import { ContractDefinitionError } from './error.js';
import { type ContractOptions, resolveOptions, type WireOptions } from './options.js';
import { type InputOf, isSchema, type OutputOf, type Schema } from './schema.js';

/** What `job()` takes. */
export interface JobDefinition<Data extends Schema, Result extends Schema> {
  /** What a caller has to hand over. */
  readonly data: Data;
  /** What the processor has to return; `z.null()` when it returns nothing. */
  readonly result: Result;
  readonly options?: ContractOptions;
}

/** One job of a queue's contract. */
export interface JobContract<Data extends Schema = Schema, Result extends Schema = Schema> {
  readonly data: Data;
  readonly result: Result;
  /** Checked, and with the priority as a number. */
  readonly options: WireOptions;
}

/** The jobs of a queue as they are written down: name -> definition. */
export type JobDefinitions = Readonly<Record<string, JobDefinition<Schema, Schema>>>;

/** A queue's contract: which jobs it takes, with what data and what result. */
export interface QueueContract<Name extends string = string, Jobs extends JobDefinitions = JobDefinitions> {
  readonly name: Name;
  readonly jobs: { readonly [J in keyof Jobs]: JobContract<Jobs[J]['data'], Jobs[J]['result']> };
}

/** The names of a contract's jobs. */
export type JobNameOf<Contract extends QueueContract> = keyof Contract['jobs'] & string;

/** The data of a job as a caller writes it and as it travels: codecs in their wire form, defaulted fields optional. */
export type DataOf<Contract extends QueueContract, Job extends JobNameOf<Contract>> = InputOf<
  Contract['jobs'][Job]['data']
>;

/** The result of a job as the processor returns it and as it lies in Redis. */
export type RawResultOf<Contract extends QueueContract, Job extends JobNameOf<Contract>> = InputOf<
  Contract['jobs'][Job]['result']
>;

/** The result of a job, read through its schema: defaults filled in, codecs decoded. */
export type ResultOf<Contract extends QueueContract, Job extends JobNameOf<Contract>> = OutputOf<
  Contract['jobs'][Job]['result']
>;

/** Registered, so that a contract is recognised whichever copy of this module made it. */
const CONTRACT = Symbol.for('bullmq-bridge.queue-contract');

/** `history` is kept for the folder of past schemas that lies beside the current ones. */
const RESERVED_QUEUE_NAMES = new Set(['history']);

/** Describes one job of a queue; checked as a whole by {@link defineQueue}, which knows its name. */
export function job<Data extends Schema, Result extends Schema>(
  definition: JobDefinition<Data, Result>,
): JobDefinition<Data, Result> {
  return definition;
}

/**
 * Defines the contract of a queue.
 *
 * @example
 * ```ts
 * export const fileProcessing = defineQueue('file-processing', {
 *   'process-file': job({
 *     data: z.object({ doc_id: z.string().min(1) }),
 *     result: z.object({ bytes: z.int() }),
 *     options: { attempts: 3, backoff: { type: 'exponential', delay: 2_000 } },
 *   }),
 * });
 * ```
 * @throws {@link ContractDefinitionError} when a name, a schema or an option cannot work.
 */
export function defineQueue<const Name extends string, Jobs extends JobDefinitions>(
  name: Name,
  jobs: Jobs,
): QueueContract<Name, Jobs> {
  requireQueueName(name);
  const names = Object.keys(jobs);
  if (names.length === 0) {
    throw new ContractDefinitionError(`Queue '${name}' has no jobs. Give it at least one: { 'my-job': job({ … }) }.`);
  }
  const checked = Object.fromEntries(names.map((jobName) => [jobName, checkJob(name, jobName, jobs[jobName])]));
  return Object.freeze({
    [CONTRACT]: true,
    name,
    jobs: Object.freeze(checked) as QueueContract<Name, Jobs>['jobs'],
  });
}

/** Whether a value was made by {@link defineQueue}. */
export function isQueueContract(value: unknown): value is QueueContract {
  return typeof value === 'object' && value !== null && CONTRACT in value;
}

function requireQueueName(name: unknown): void {
  if (typeof name !== 'string' || name === '') {
    throw new ContractDefinitionError('A queue needs a name: a non-empty string.');
  }
  if (name.includes(':')) {
    throw new ContractDefinitionError(
      `The queue name '${name}' holds a ':', which separates the parts of BullMQ's keys. Use '-' or '.' instead.`,
    );
  }
  if (RESERVED_QUEUE_NAMES.has(name)) {
    throw new ContractDefinitionError(`The queue name '${name}' is reserved. Choose another.`);
  }
}

function checkJob(queue: string, name: string, definition: JobDefinition<Schema, Schema> | undefined): JobContract {
  const owner = `Job '${name}' of queue '${queue}'`;
  if (name === '') {
    throw new ContractDefinitionError(`A job of queue '${queue}' has an empty name.`);
  }
  if (!isSchema(definition?.data) || !isSchema(definition.result)) {
    throw new ContractDefinitionError(
      `${owner} needs two zod schemas: job({ data: z.object({ … }), result: z.object({ … }) }).`,
    );
  }
  return Object.freeze({
    data: definition.data,
    result: definition.result,
    options: Object.freeze(resolveOptions(definition.options ?? {}, owner)),
  });
}
