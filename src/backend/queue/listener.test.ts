import { randomUUID } from 'node:crypto';
import { Queue, UnrecoverableError } from 'bullmq';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { JobQueueEvents } from '../../bridge/index.js';
import { fileProcessing } from '../../jobs/file-processing.js';
import type { Batch } from '../database/schema.js';
import { batchFixture, collectEvents } from '../testing/batches.js';
import { type Processor, startWorker } from '../testing/node-worker.js';
import { testRedis } from '../testing/redis.js';
import { QueueListener } from './listener.js';

const { url, prefix: filePrefix, redis } = testRedis();

async function listenerFixture(processor: Processor) {
  const fixture = await batchFixture();
  const settings = { connection: redis, prefix: `${filePrefix}:${randomUUID()}` };
  const queue = new Queue('file-processing', settings);
  const queueEvents = new JobQueueEvents(fileProcessing, settings);
  onTestFinished(async () => {
    await queueEvents.close();
    await queue.close();
  });
  await queueEvents.waitUntilReady();
  const aggregateFailed = vi.fn();
  new QueueListener({ ...fixture, queueEvents, aggregateFailed });
  startWorker(url, settings.prefix, processor);
  const batchId = await fixture.addBatch({ 'a.txt': 'a' });
  const batch = (await fixture.batches.start(batchId)) as Batch;
  const docId = randomUUID();
  await fixture.documents.replace(batch, [{ docId, name: 'a.txt', path: '/a', bytes: 1 }]);
  return { ...fixture, queue, batchId, docId, aggregateFailed };
}

describe('QueueListener', () => {
  it('tells whoever watches a batch what happens to its jobs, in order', async () => {
    const { queue, events, batchId, docId } = await listenerFixture(async (job) => {
      if (job.name === 'aggregate-batch') return { files: 1 };
      await job.updateProgress({ page: 1 });
      await job.updateProgress(100);
      return { bytes: 1 };
    });
    const seen = collectEvents(events, batchId);
    await queue.add('process-file', {}, { jobId: `file-${docId}-run-1` });
    await queue.add('aggregate-batch', {}, { jobId: `batch-${batchId}-run-1` });
    await vi.waitFor(() => expect(seen).toHaveLength(4), 5_000);
    const subject = { job: 'process-file', doc_id: docId };
    expect(seen).toEqual([
      { type: 'progress', data: { ...subject, progress: { page: 1 } } },
      { type: 'progress', data: { ...subject, progress: 100 } },
      { type: 'completed', data: { ...subject, result: { bytes: 1 } } },
      { type: 'completed', data: { job: 'aggregate-batch', result: { files: 1 } } },
    ]);
  });

  it('tells of failures, and of a failed aggregate even when nobody watches', async () => {
    const { queue, events, batchId, docId, aggregateFailed } = await listenerFixture(async () => {
      throw new UnrecoverableError('is encrypted');
    });
    await queue.add('aggregate-batch', {}, { jobId: `batch-${batchId}-run-1` });
    await vi.waitFor(() => expect(aggregateFailed).toHaveBeenCalledExactlyOnceWith(batchId), 5_000);
    const seen = collectEvents(events, batchId);
    await queue.add('process-file', {}, { jobId: `file-${docId}-run-1` });
    await vi.waitFor(() => expect(seen).toHaveLength(1), 5_000);
    expect(seen).toEqual([{ type: 'failed', data: { job: 'process-file', doc_id: docId, reason: 'is encrypted' } }]);
    expect(aggregateFailed).toHaveBeenCalledTimes(1);
  });

  it('does not ask the database when nobody watches, and then once for each document', async () => {
    const { queue, documents, events, batchId, docId } = await listenerFixture(async () => ({}));
    const find = vi.spyOn(documents, 'find');
    const completed = async (count: number) =>
      vi.waitFor(async () => expect(await queue.getCompletedCount()).toBe(count), 5_000);
    await queue.add('process-file', {}, { jobId: `file-${docId}-run-1` });
    await completed(1);
    const seen = collectEvents(events, batchId);
    expect(find).not.toHaveBeenCalled();
    await queue.add('process-file', {}, { jobId: `file-${docId}-run-2` });
    await queue.add('process-file', {}, { jobId: `file-${docId}-run-2-deadbeef` });
    await vi.waitFor(() => expect(seen).toHaveLength(2), 5_000);
    expect(find).toHaveBeenCalledTimes(1);
  });

  it('goes on after jobs that are not ours and a database that is away', async () => {
    const { queue, documents, events, batchId, docId, log } = await listenerFixture(async () => ({}));
    const seen = collectEvents(events, batchId);
    vi.spyOn(documents, 'find').mockRejectedValueOnce(new Error('connection lost'));
    await queue.add('process-file', {}, { jobId: `file-${docId}-run-1` });
    await vi.waitFor(() => expect(log.messages).toEqual(['event of a job was not passed on']), 5_000);
    await queue.add('other', {});
    await queue.add('process-file', {}, { jobId: `file-${randomUUID()}-run-1` });
    await queue.add('process-file', {}, { jobId: `file-${docId}-run-2` });
    await vi.waitFor(() => expect(seen).toHaveLength(1), 5_000);
  });
});
