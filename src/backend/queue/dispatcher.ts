import type { Redis } from 'ioredis';
import type { JobQueue } from '../../bridge/index.js';
import type { fileProcessing } from '../../jobs/file-processing.js';
import type { BatchWork, Dispatcher, WorkState } from '../dispatch/dispatcher.js';
import { requireRedis } from './connection.js';
import { aggregateJobId } from './job-ids.js';
import type { QueueService } from './service.js';

/** Hands work to Python through the queue: one flow per run, safe in Redis when `dispatch` returns. */
export class QueueDispatcher implements Dispatcher {
  readonly mode = 'queue';
  readonly #service: QueueService;
  readonly #queue: JobQueue<typeof fileProcessing>;
  readonly #redis: Redis;

  /** @param redis - the connection that `queue` was made with. */
  constructor(service: QueueService, queue: JobQueue<typeof fileProcessing>, redis: Redis) {
    this.#service = service;
    this.#queue = queue;
    this.#redis = redis;
  }

  dispatch(work: BatchWork): Promise<void> {
    return this.#service.enqueueBatch(work);
  }

  async stateOf({ batchId, run }: Pick<BatchWork, 'batchId' | 'run'>): Promise<WorkState> {
    await requireRedis(this.#redis);
    const job = await this.#queue.getJob(aggregateJobId(batchId, run));
    if (job === undefined) return { state: 'unknown' };
    const state = await job.getState();
    if (state === 'failed') return { state, reason: job.failedReason };
    if (state === 'completed') return { state };
    // Removed between the two questions, or a hash that is in no list: as good as lost.
    if (state === 'unknown') return { state };
    return { state: 'underway' };
  }
}
