import { FlowProducer, type Job, Queue, type QueueOptions } from 'bullmq';
import type { DataOf, JobNameOf, QueueContract } from '../contract/queue.js';
import { emittedJobs } from '../registry/emitted-jobs.js';
import { ProducerAnnouncement } from '../registry/producer-announcement.js';
import { Registry } from '../registry/registry.js';
import { type RegistryView, viewRegistry } from '../registry/view.js';
import { type Connection, requireConnection } from './connection.js';
import { ContractError, type Violation } from './contract-error.js';
import { type Failure, readFailure } from './failure.js';
import { type AnyFlowNode, admitFlow, type Flow } from './flow.js';
import { type AdmittedJob, Gate } from './gate.js';
import type { AnyItem, AnyJobOf, CallOptions, Item, JobOf } from './job.js';
import { redisBackend } from './redis-backend.js';

/** Options of {@link JobQueue}: BullMQ's, on your own connection. Job options are the contract's. */
export interface JobQueueOptions extends Omit<QueueOptions, 'connection' | 'defaultJobOptions'> {
  /** Your ioredis connection. It is used, and never closed. */
  readonly connection: Connection;
  /**
   * Tells workers, through Redis, which contract this process writes, and looks at theirs: see {@link JobQueue.announced}.
   * Default: nobody is told.
   */
  readonly announce?: AnnounceOptions;
}

/** How a producer announces its contract. */
export interface AnnounceOptions {
  /** The folder that `bullmq-bridge emit` wrote, relative to the working directory: it knows of earlier versions. */
  readonly schemas: string;
}

/**
 * A BullMQ queue that takes only what its contract allows.
 *
 * @example
 * ```ts
 * const queue = new JobQueue(fileProcessing, { connection: new Redis(process.env.REDIS_URL) });
 * await queue.add('process-file', { doc_id: 'doc-1' });
 * ```
 */
export class JobQueue<Contract extends QueueContract> {
  /** BullMQ's queue, for everything that contracts have no say in: counts, pausing, cleaning. What it adds is not checked. */
  readonly bullmq: Queue;
  readonly contract: Contract;
  readonly #options: Omit<JobQueueOptions, 'announce'>;
  readonly #gate: Gate;
  readonly #registry: Registry;
  readonly #announcement: ProducerAnnouncement | undefined;
  #flowProducer: FlowProducer | undefined;

  /**
   * @throws ContractLintError when the contract has a schema that Python could not check.
   * @throws ContractDefinitionError when it is to be announced, and `schemas` is not what `emit` writes for it.
   * @throws TypeError when `connection` is no ioredis connection.
   */
  constructor(contract: Contract, options: JobQueueOptions) {
    requireConnection(options?.connection, `The queue '${contract.name}'`);
    const { announce, ...bullmqOptions } = options;
    this.contract = contract;
    this.#options = bullmqOptions;
    this.#gate = Gate.of(contract);
    const jobs = announce && emittedJobs(announce.schemas, contract.name, this.#gate.fingerprints);
    this.bullmq = new Queue(contract.name, bullmqOptions, redisBackend) as unknown as Queue;
    this.#registry = new Registry(options.connection, this.bullmq.opts.prefix ?? 'bull', contract.name);
    this.#announcement = jobs && new ProducerAnnouncement(this.#registry, contract.name, jobs);
  }

  /**
   * Waits until the contract is announced and live workers have been looked at. Give up, or go on, with what it throws:
   * the announcement stands until {@link close}, and is renewed.
   *
   * @throws {@link ContractMismatchError} when live workers do not go together with this contract.
   * @throws TypeError when the queue was made without `announce`.
   */
  async announced(): Promise<void> {
    if (this.#announcement === undefined) {
      throw new TypeError(`The queue '${this.contract.name}' announces nothing: give it { announce: { schemas } }.`);
    }
    await this.#announcement.announced;
  }

  /** The producers and workers of the queue that have announced themselves. */
  async registry(): Promise<RegistryView> {
    return viewRegistry(this.#registry, this.contract.name, Object.keys(this.contract.jobs));
  }

  /**
   * Adds one job.
   *
   * @throws {@link ContractError} naming every failing path; nothing has reached Redis then.
   */
  async add<Name extends JobNameOf<Contract>>(
    name: Name,
    data: DataOf<Contract, Name>,
    opts?: CallOptions,
  ): Promise<JobOf<Contract, Name>> {
    const job = this.#gate.admit(opts === undefined ? { name, data } : { name, data, opts });
    return (await this.bullmq.add(job.name, job.data, job.opts)) as Job as JobOf<Contract, Name>;
  }

  /**
   * Adds several jobs, all or none.
   *
   * @returns the jobs, in the order of the items.
   * @throws {@link ContractError} with the failing paths of all items; nothing has reached Redis then.
   */
  async addMany<const Items extends readonly AnyItem<Contract>[]>(
    items: Items,
  ): Promise<{ -readonly [I in keyof Items]: JobOf<Contract, Items[I]['name']> }> {
    const violations: Violation[] = [];
    const admitted: AdmittedJob[] = [];
    items.forEach((item, index) => {
      const job = this.#gate.examine(item as Item<QueueContract, string>, violations, () => `[${index}]`);
      if (job !== undefined) {
        admitted.push(job);
      }
    });
    if (violations.length > 0) {
      throw new ContractError('data', violations);
    }
    const jobs: unknown = await this.bullmq.addBulk(admitted);
    return jobs as { -readonly [I in keyof Items]: JobOf<Contract, Items[I]['name']> };
  }

  /**
   * Adds a job and the jobs that have to settle before it runs, in one transaction.
   *
   * A child ignores its failure (`ignoreDependencyOnFailure`) unless its options name another policy, so that the parent
   * runs once all children have settled.
   *
   * @throws {@link ContractError} with the failing paths of all nodes; nothing has reached Redis then.
   */
  async flow<Name extends JobNameOf<Contract>>(
    root: AnyFlowNode<Contract> & { readonly name: Name },
  ): Promise<Flow<Contract, Name>> {
    const flow = admitFlow(this.contract, root);
    const { job, children = [] } = await this.#flows().add(flow);
    return { job: job as Job as JobOf<Contract, Name>, children };
  }

  /** The job with this id; undefined when Redis has none. */
  async getJob(id: string): Promise<AnyJobOf<Contract> | undefined> {
    return (await this.bullmq.getJob(id)) as Job as AnyJobOf<Contract> | undefined;
  }

  /** Why the last attempt of a job failed; see {@link readFailure}. */
  async readFailure(job: Pick<Job, 'id' | 'queueQualifiedName'>): Promise<Failure | undefined> {
    return readFailure(this.#options.connection, job);
  }

  /** Ends what the queue itself holds. The connection stays open: it is yours. */
  async close(): Promise<void> {
    await this.#announcement?.close();
    await this.#flowProducer?.close();
    await this.bullmq.close();
  }

  #flows(): FlowProducer {
    const { connection, prefix, telemetry } = this.#options;
    this.#flowProducer ??= new FlowProducer(
      { connection, ...(prefix && { prefix }), ...(telemetry && { telemetry }) },
      redisBackend,
    ) as unknown as FlowProducer;
    return this.#flowProducer;
  }
}
