import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { JobQueue, PriorityName } from '../../bridge/index.js';
import type { fileProcessing } from '../../jobs/file-processing.js';
import { type Batches, isFinished } from '../database/batches.js';
import type { Documents } from '../database/documents.js';
import type { BatchWork } from '../dispatch/dispatcher.js';
import { requireRedis } from './connection.js';
import { NotFound, WrongState } from './errors.js';
import { aggregateJobId, fileJobId } from './job-ids.js';

/** What a {@link QueueService} works with. */
export interface QueueServiceOptions {
  readonly queue: JobQueue<typeof fileProcessing>;
  /** The connection that `queue` was made with. */
  readonly redis: Redis;
  readonly batches: Batches;
  readonly documents: Documents;
}

/** Puts the work of batches into the queue. */
export class QueueService {
  readonly #queue: JobQueue<typeof fileProcessing>;
  readonly #redis: Redis;
  readonly #batches: Batches;
  readonly #documents: Documents;

  constructor({ queue, redis, batches, documents }: QueueServiceOptions) {
    this.#queue = queue;
    this.#redis = redis;
    this.#batches = batches;
    this.#documents = documents;
  }

  /**
   * Enqueues one run of a batch as one flow, all or nothing: the aggregate is the parent and starts, with high priority,
   * when every document's job has ended, whether it completed or failed. Enqueueing the same run twice makes no second
   * jobs.
   */
  async enqueueBatch({ batchId, run, docIds }: BatchWork): Promise<void> {
    await requireRedis(this.#redis);
    const children = docIds.map((docId) => ({ docId, jobId: fileJobId(docId, run) }));
    await this.#removeDead([aggregateJobId(batchId, run), ...children.map(({ jobId }) => jobId)]);
    await this.#queue.flow({
      name: 'aggregate-batch',
      data: { batch_id: batchId },
      opts: { jobId: aggregateJobId(batchId, run) },
      children: children.map(({ docId, jobId }) => ({
        name: 'process-file',
        data: { doc_id: docId },
        opts: { jobId, ignoreDependencyOnFailure: true },
      })),
    });
  }

  /**
   * Enqueues one document of a finished batch once more. Its row keeps the last outcome until the new one is there, and
   * the batch its report: call {@link enqueueAggregation} when the documents have ended.
   *
   * @returns the id of the job.
   * @throws {@link NotFound}, {@link WrongState} while the batch is in process: it has a job for the document already.
   */
  async enqueueFileProcessing(docId: string, priority: PriorityName = 'normal'): Promise<string> {
    const document = await this.#documents.find(docId);
    const batch = document && (await this.#batches.find(document.batch_id));
    if (batch === undefined) throw new NotFound(`There is no document ${docId}`);
    if (!isFinished(batch.status)) {
      throw new WrongState(`Document ${docId} cannot be processed again: batch ${batch.id} is ${batch.status}`);
    }
    await requireRedis(this.#redis);
    const jobId = fileJobId(docId, batch.run, randomBytes(4).toString('hex'));
    await this.#queue.add('process-file', { doc_id: docId }, { jobId, priority });
    return jobId;
  }

  /**
   * Aggregates a finished batch once more, as its next run: the batch is `processing` until the new report is there.
   * Should this process die before the job is in the queue, the reconciler puts it there.
   *
   * @returns the id of the job.
   * @throws {@link NotFound}, {@link WrongState} when the batch is not finished or has no documents.
   */
  async enqueueAggregation(batchId: string): Promise<string> {
    const documents = await this.#documents.ofBatch(batchId);
    const batch = documents.length > 0 ? await this.#batches.restart(batchId) : undefined;
    if (batch === undefined) throw await this.#refusal(batchId);
    await this.enqueueBatch({ batchId, run: batch.run, docIds: [] });
    return aggregateJobId(batchId, batch.run);
  }

  // BullMQ keeps a job whose id is there already. One that will never run again would leave the new flow waiting for
  // ever: a document's job that has failed (its failure was reported to a parent that is gone), or a hash that is in no
  // list (what a version 5 and a version 6 of BullMQ can do to each other around a pause). A first run has neither.
  async #removeDead(jobIds: readonly string[]): Promise<void> {
    const { bullmq } = this.#queue;
    const pipeline = this.#redis.pipeline();
    for (const jobId of jobIds) pipeline.exists(bullmq.toKey(jobId));
    const found = (await pipeline.exec()) ?? [];
    const there = jobIds.filter((_jobId, index) => found[index]?.[1] === 1);
    for (const jobId of there) {
      const state = await bullmq.getJobState(jobId);
      if (state === 'failed' || state === 'unknown') await bullmq.remove(jobId, { removeChildren: false });
    }
  }

  async #refusal(batchId: string): Promise<Error> {
    const batch = await this.#batches.find(batchId);
    if (batch === undefined) return new NotFound(`There is no batch ${batchId}`);
    const why = isFinished(batch.status) ? `it is ${batch.status} and has no documents` : `it is ${batch.status}`;
    return new WrongState(`Batch ${batchId} cannot be aggregated: ${why}`);
  }
}
