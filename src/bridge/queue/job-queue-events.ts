import { createRedisBackend, type Job, type JobProgress, QueueEvents, type QueueEventsOptions } from 'bullmq';
import type { JobNameOf, QueueContract, RawResultOf, ResultOf } from '../contract/queue.js';
import { type Connection, forBlocking, requireConnection } from './connection.js';
import { Gate } from './gate.js';
import type { JobOf } from './job.js';

/** How often a job that is waited for is looked at. */
const LOOK_MS = 1_000;

/** Options of {@link JobQueueEvents}: BullMQ's, on your own connection. */
export interface JobQueueEventsOptions extends Omit<QueueEventsOptions, 'connection'> {
  /** Your ioredis connection. A second one is opened like it, because waiting for events blocks a connection. */
  readonly connection: Connection;
}

/** What is heard of the jobs of a queue. The second argument of each listener is the id of the event in the stream. */
export interface JobEvents<Contract extends QueueContract> {
  /** A job has completed. Its name is not part of the event, so the result is that of any job, as it lies in Redis. */
  completed: [
    args: { jobId: string; returnvalue: RawResultOf<Contract, JobNameOf<Contract>>; prev?: string },
    id: string,
  ];
  /** A job has failed for good. */
  failed: [args: { jobId: string; failedReason: string; prev?: string }, id: string];
  /** A job has reported progress. */
  progress: [args: { jobId: string; data: JobProgress }, id: string];
  /** A worker has taken a job. */
  active: [args: { jobId: string; prev?: string }, id: string];
  /** A worker has lost a job, which will be tried again. */
  stalled: [args: { jobId: string }, id: string];
  /** The connection has had an error. */
  error: [error: Error];
}

/** Listens to the jobs of a queue, with the types of its contract. */
export class JobQueueEvents<Contract extends QueueContract> {
  /** BullMQ's listener, for the events that contracts have no say in. */
  readonly bullmq: QueueEvents;
  readonly contract: Contract;

  /** @throws TypeError when `connection` is no ioredis connection. */
  constructor(contract: Contract, options: JobQueueEventsOptions) {
    requireConnection(options?.connection, `The events of queue '${contract.name}'`);
    this.contract = contract;
    this.bullmq = new QueueEvents(
      contract.name,
      { ...options, connection: forBlocking(options.connection) },
      createRedisBackend,
    ) as unknown as QueueEvents;
  }

  /** Calls a listener on every event of a kind. */
  on<Event extends keyof JobEvents<Contract>>(
    event: Event,
    listener: (...args: JobEvents<Contract>[Event]) => void,
  ): this {
    this.bullmq.on(event, listener as (...args: unknown[]) => void);
    return this;
  }

  /** Stops calling a listener. */
  off<Event extends keyof JobEvents<Contract>>(
    event: Event,
    listener: (...args: JobEvents<Contract>[Event]) => void,
  ): this {
    this.bullmq.off(event, listener as (...args: unknown[]) => void);
    return this;
  }

  /** Resolves once the connection is there. Events from then on are heard. */
  async waitUntilReady(): Promise<void> {
    await this.bullmq.waitUntilReady();
  }

  /**
   * Waits for a job to finish, and reads its result through the contract.
   *
   * @param timeoutMs - give up after so many milliseconds; without it, wait for ever.
   * @returns the result: defaults filled in, codecs decoded.
   * @throws ContractError when the result breaks the contract.
   * @throws Error with the job's `failedReason` when it has failed, or when the time is over.
   */
  async waitUntilFinished<Name extends JobNameOf<Contract>>(
    job: JobOf<Contract, Name>,
    timeoutMs?: number,
  ): Promise<ResultOf<Contract, Name>> {
    // Twice: BullMQ may begin to read its events only after the job has ended, and would then wait for ever.
    const told = job.waitUntilFinished(this.bullmq, timeoutMs);
    const looking = new AbortController();
    const seen = untilEnded(job as unknown as Job, looking.signal).then(() =>
      job.waitUntilFinished(this.bullmq, timeoutMs),
    );
    const returned: unknown = await Promise.race([told, seen]).finally(() => looking.abort());
    return Gate.of(this.contract).readResult(job.name, returned) as ResultOf<Contract, Name>;
  }

  /** Stops listening, and closes the connection that was opened for it. */
  async close(): Promise<void> {
    await this.bullmq.close();
  }
}

/** Looks now and then whether a job has ended; never settles when it is told to stop. */
async function untilEnded(job: Job, signal: AbortSignal): Promise<void> {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    if (signal.aborted) return new Promise(() => {});
    if ((await job.isCompleted()) || (await job.isFailed())) return;
  }
}
