import { type JobProgress, QueueEvents, type QueueEventsOptions } from 'bullmq';
import type { JobNameOf, QueueContract, RawResultOf, ResultOf } from '../contract/queue.js';
import { type Connection, forBlocking, requireConnection } from './connection.js';
import { Gate } from './gate.js';
import type { JobOf } from './job.js';
import { redisBackend } from './redis-backend.js';

/** Options of {@link JobQueueEvents}: BullMQ's, on your own connection. */
export interface JobQueueEventsOptions extends Omit<QueueEventsOptions, 'connection' | 'autorun'> {
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
  readonly #listening: Promise<void>;

  /** @throws TypeError when `connection` is no ioredis connection. */
  constructor(contract: Contract, options: JobQueueEventsOptions) {
    requireConnection(options?.connection, `The events of queue '${contract.name}'`);
    this.contract = contract;
    this.bullmq = new QueueEvents(
      contract.name,
      { ...options, autorun: false, connection: forBlocking(options.connection) },
      redisBackend,
    ) as unknown as QueueEvents;
    this.#listening = this.#listen(options);
  }

  /**
   * Begins to listen after the last event that there is now. BullMQ by itself begins wherever the stream is when its first
   * read arrives; a job that ended just before would never be heard of, and `waitUntilFinished` not return.
   */
  async #listen({ connection, lastEventId }: JobQueueEventsOptions): Promise<void> {
    const { bullmq } = this;
    try {
      await untilReady(connection);
      const [last] = await connection.xrevrange(bullmq.toKey('events'), '+', '-', 'COUNT', 1);
      const options: QueueEventsOptions = bullmq.opts;
      options.lastEventId = lastEventId ?? last?.[0] ?? '0-0';
    } catch (error) {
      bullmq.emit('error', error as Error);
    }
    if (bullmq.closing) return;
    bullmq.run().catch((error) => bullmq.emit('error', error));
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
    await Promise.all([this.bullmq.waitUntilReady(), this.#listening]);
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
    await this.waitUntilReady();
    const returned: unknown = await job.waitUntilFinished(this.bullmq, timeoutMs);
    return Gate.of(this.contract).readResult(job.name, returned) as ResultOf<Contract, Name>;
  }

  /** Stops listening, and closes the connection that was opened for it. */
  async close(): Promise<void> {
    await this.bullmq.close();
  }
}

/** Resolves when a command can be sent, be it that sending it is what opens the connection, or that it is closed for good. */
async function untilReady(connection: Connection): Promise<void> {
  if (['ready', 'wait', 'end'].includes(connection.status)) return;
  await new Promise<void>((resolve) => connection.once('ready', () => resolve()).once('end', () => resolve()));
}
