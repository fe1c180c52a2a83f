import type { FlowJob, Job, JobNode, JobsOptions } from 'bullmq';
import type { DataOf, JobNameOf, QueueContract } from '../contract/queue.js';
import { ContractError, type Violation } from '../queue/contract-error.js';
import { type AnyFlowNode, admitFlow } from '../queue/flow.js';
import { type AdmittedJob, type Candidate, Gate } from '../queue/gate.js';
import type { CallOptions } from '../queue/job.js';
import type { JobQueue } from '../queue/job-queue.js';

/** A job that was added to a {@link FakeJobQueue}, as it would lie in Redis. */
export interface EnqueuedJob<Contract extends QueueContract, Name extends JobNameOf<Contract> = JobNameOf<Contract>> {
  readonly id: string;
  /** Its queue: another one than the contract's for some children of a flow. */
  readonly queueName: string;
  readonly name: Name;
  /** In its wire form: defaults filled in, codecs encoded. */
  readonly data: DataOf<Contract, Name>;
  /** The contract's, those of the call over them. */
  readonly opts: JobsOptions;
  /** Id of the job that waits for this one, in a flow. */
  readonly parentId?: string;
}

/** A {@link JobQueue} for tests: `add`, `addMany`, `flow` and `getJob` check as the real one does, and remember. */
export type FakeJobQueue<Contract extends QueueContract> = JobQueue<Contract> & {
  /** What was added, in order; a child of a flow comes before its parent. */
  readonly enqueued: readonly EnqueuedJob<Contract>[];
  /** Forgets what was added. */
  clear(): void;
};

/**
 * A queue that takes what its contract allows, as {@link JobQueue} does, but sends nothing anywhere: it remembers.
 *
 * As in Redis, a job with the id of one that is there is not added again. What needs Redis, such as `bullmq` or a method
 * of a job, throws.
 *
 * @example
 * ```ts
 * const queue = fakeJobQueue(fileProcessing);
 * await new Uploads(queue).accept('report.pdf');
 * expectEnqueued(queue, 'process-file', { doc_id: 'doc-1' });
 * ```
 * @throws ContractLintError when the contract has a schema that Python could not check.
 */
export function fakeJobQueue<Contract extends QueueContract>(contract: Contract): FakeJobQueue<Contract> {
  // `JobQueue` has private parts, so nothing else is one to the compiler; the public ones are all here.
  return new RememberingQueue(contract) as unknown as FakeJobQueue<Contract>;
}

class RememberingQueue {
  readonly contract: QueueContract;
  readonly enqueued: EnqueuedJob<QueueContract>[] = [];
  #lastId = 0;

  constructor(contract: QueueContract) {
    this.contract = contract;
    Gate.of(contract);
  }

  get bullmq(): never {
    throw needsRedis(`bullmq of the queue '${this.contract.name}'`);
  }

  async add(name: string, data: unknown, opts?: CallOptions): Promise<Job> {
    const { contract } = this;
    return this.#remember(contract.name, Gate.of(contract).admit({ name, data, ...(opts && { opts }) }));
  }

  async addMany(items: readonly Candidate[]): Promise<Job[]> {
    const violations: Violation[] = [];
    const gate = Gate.of(this.contract);
    const admitted = items.map((item, index) => gate.examine(item, violations, () => `[${index}]`));
    if (violations.length > 0) {
      throw new ContractError('data', violations);
    }
    return admitted.map((job) => this.#remember(this.contract.name, job as AdmittedJob));
  }

  async flow(root: AnyFlowNode<QueueContract>): Promise<JobNode> {
    return this.#rememberFlow(admitFlow(this.contract, root));
  }

  async getJob(id: string): Promise<Job | undefined> {
    const found = this.enqueued.find((job) => job.id === id && job.queueName === this.contract.name);
    return found && asJob(found);
  }

  async readFailure(): Promise<undefined> {}

  async announced(): Promise<void> {}

  async registry(): Promise<never> {
    throw needsRedis(`registry of the queue '${this.contract.name}'`);
  }

  async close(): Promise<void> {}

  clear(): void {
    this.enqueued.length = 0;
  }

  #rememberFlow({ name, queueName, data, opts = {}, children = [] }: FlowJob, parentId?: string): JobNode {
    const admitted = { name, data, opts: { ...opts, jobId: opts.jobId ?? this.#nextId() } as JobsOptions };
    const planted = children.map((child) => this.#rememberFlow(child, String(admitted.opts.jobId)));
    return { job: this.#remember(queueName, admitted, parentId), children: planted };
  }

  #remember(queueName: string, { name, data, opts }: AdmittedJob, parentId?: string): Job {
    const id = opts.jobId ?? this.#nextId();
    const there = this.enqueued.find((job) => job.id === id && job.queueName === queueName);
    const job = there ?? { id, queueName, name, data: data as never, opts: { ...opts }, ...(parentId && { parentId }) };
    if (there === undefined) {
      this.enqueued.push(job);
    }
    return asJob(job);
  }

  #nextId(): string {
    this.#lastId += 1;
    return String(this.#lastId);
  }
}

/** The fields of a job that has been added; whatever else BullMQ's job has would ask Redis. */
function asJob(job: EnqueuedJob<QueueContract>): Job {
  const fields = { ...job, timestamp: Date.now(), delay: job.opts.delay ?? 0, attemptsMade: 0, progress: 0 };
  return new Proxy(fields, {
    get(target, property) {
      // Symbols and these are looked at by `await` and by whoever prints or compares a value.
      if (
        property in target ||
        typeof property === 'symbol' ||
        ['then', 'toJSON', 'asymmetricMatch'].includes(property)
      ) {
        return Reflect.get(target, property);
      }
      throw needsRedis(`${property} of job '${job.name}'`);
    },
  }) as unknown as Job;
}

function needsRedis(what: string): Error {
  return new Error(`${what} needs Redis, and a FakeJobQueue has none. Test it with a JobQueue.`);
}
