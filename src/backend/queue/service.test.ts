import { randomUUID } from 'node:crypto';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { JobQueue } from '../../bridge/index.js';
import { fileProcessing } from '../../jobs/file-processing.js';
import type { Batch } from '../database/schema.js';
import { batchFixture } from '../testing/batches.js';
import { standInProcessors, startWorker } from '../testing/node-worker.js';
import { testRedis } from '../testing/redis.js';
import { QueueDispatcher } from './dispatcher.js';
import { NotFound, WrongState } from './errors.js';
import { QueueService } from './service.js';

const { url, prefix: filePrefix, redis } = testRedis();

/** A queue of its own, and a batch that is `processing` with its documents recorded. */
async function serviceFixture(names: string[] = ['a.txt', 'b.txt']) {
  const fixture = await batchFixture();
  const prefix = `${filePrefix}:${randomUUID()}`;
  const queue = new JobQueue(fileProcessing, { connection: redis, prefix });
  onTestFinished(() => queue.close());
  const service = new QueueService({ ...fixture, queue, redis });
  const dispatcher = new QueueDispatcher(service, queue, redis);
  const batchId = await fixture.addBatch({ 'a.txt': 'a' });
  const batch = (await fixture.batches.start(batchId)) as Batch;
  const docIds = names.map(() => randomUUID());
  await fixture.documents.replace(
    batch,
    names.map((name, index) => ({ docId: docIds[index] as string, name, path: `/storage/${name}`, bytes: 1 })),
  );
  const { bullmq } = queue;
  const state = async (jobId: string) => (await bullmq.getJob(jobId))?.getState();
  const finish = (status: Batch['status']) =>
    fixture.database.updateTable('batches').set({ status }).where('id', '=', batchId).execute();
  const work = { batchId, run: 1, docIds };
  return { ...fixture, prefix, bullmq, service, dispatcher, batchId, docIds, work, state, finish };
}

describe('enqueueBatch', () => {
  it('adds one flow: the documents first, the aggregate after all of them', async () => {
    const { service, work, bullmq, batchId, docIds } = await serviceFixture();
    await service.enqueueBatch(work);
    const parent = await bullmq.getJob(`batch-${batchId}-run-1`);
    expect(parent).toMatchObject({ name: 'aggregate-batch', data: { batch_id: batchId } });
    expect(parent?.opts).toMatchObject({ priority: 1, attempts: 2, contractFingerprint: expect.any(String) });
    expect(await parent?.getState()).toBe('waiting-children');
    for (const docId of docIds) {
      const child = await bullmq.getJob(`file-${docId}-run-1`);
      expect(child).toMatchObject({
        name: 'process-file',
        data: { doc_id: docId },
        parentKey: `${bullmq.toKey('')}batch-${batchId}-run-1`,
      });
      expect(child?.opts).toMatchObject({
        priority: 10,
        attempts: 3,
        backoff: { type: 'exponential', delay: 2_000 },
        ignoreDependencyOnFailure: true,
      });
      expect(await child?.getState()).toBe('prioritized');
    }
  });

  it('runs the aggregate once, after every document, and although one has failed', async () => {
    const { service, work, prefix, database, read, batchId, documents } = await serviceFixture([
      'a.txt',
      'bad.pdf',
      'c.txt',
    ]);
    const order: string[] = [];
    const processors = standInProcessors(database);
    startWorker(url, prefix, (job) => {
      order.push(job.name);
      return processors(job);
    });
    await service.enqueueBatch(work);
    await vi.waitFor(async () => expect((await read(batchId)).status).toBe('completed_with_errors'), 5_000);
    expect(order).toEqual(['process-file', 'process-file', 'process-file', 'aggregate-batch']);
    expect((await documents.ofBatch(batchId)).map(({ status }) => status)).toEqual([
      'completed',
      'failed',
      'completed',
    ]);
  });

  it('runs an aggregate before the waiting documents of other batches', async () => {
    const { service, work, prefix, docIds, bullmq } = await serviceFixture(['a.txt', 'b.txt', 'c.txt', 'd.txt']);
    const [first = '', ...others] = docIds;
    await service.enqueueBatch({ ...work, docIds: [first] });
    await service.enqueueBatch({ batchId: 'another', run: 1, docIds: others });
    const order: string[] = [];
    startWorker(url, prefix, async (job) => {
      order.push(String(job.id));
      return {};
    });
    await vi.waitFor(async () => expect(await bullmq.getCompletedCount()).toBe(6), 5_000);
    expect(order.slice(0, 2)).toEqual([`file-${first}-run-1`, `batch-${work.batchId}-run-1`]);
  });

  it('lets a job without a priority go before all others, which is why every job of a contract has one', async () => {
    const { service, work, prefix, bullmq } = await serviceFixture(['a.txt', 'b.txt']);
    await service.enqueueBatch(work);
    await bullmq.add('plain', {});
    const order: string[] = [];
    startWorker(url, prefix, async (job) => {
      order.push(job.name);
      return {};
    });
    await vi.waitFor(async () => expect(await bullmq.getCompletedCount()).toBe(4), 5_000);
    expect(order).toEqual(['plain', 'process-file', 'process-file', 'aggregate-batch']);
  });

  it('makes no second jobs when the same run is enqueued again', async () => {
    const { service, work, bullmq, batchId } = await serviceFixture();
    await Promise.all([service.enqueueBatch(work), service.enqueueBatch(work)]);
    await service.enqueueBatch(work);
    expect(await bullmq.getJobCounts('prioritized', 'waiting-children')).toEqual({
      prioritized: 2,
      'waiting-children': 1,
    });
    const parent = await bullmq.getJob(`batch-${batchId}-run-1`);
    expect(await parent?.getDependenciesCount()).toMatchObject({ unprocessed: 2 });
  });

  it('does not swallow the next run', async () => {
    const { service, work, bullmq, prefix, database, state, docIds } = await serviceFixture();
    const worker = startWorker(url, prefix, standInProcessors(database));
    await service.enqueueBatch(work);
    await vi.waitFor(async () => expect(await bullmq.getCompletedCount()).toBe(3), 5_000);
    await worker.close();
    await service.enqueueBatch({ ...work, run: 2 });
    expect(await state(`file-${docIds[0]}-run-2`)).toBe('prioritized');
    expect(await bullmq.getJobCounts('prioritized', 'waiting-children')).toEqual({
      prioritized: 2,
      'waiting-children': 1,
    });
  });

  it('never waits for a document whose job is there and has failed already', async () => {
    const { service, work, bullmq, prefix, batchId, docIds, database, read } = await serviceFixture(['a.txt', 'b.txt']);
    const failing = startWorker(url, prefix, async () => {
      throw new Error('first time');
    });
    await bullmq.add('process-file', { doc_id: docIds[0] }, { jobId: `file-${docIds[0]}-run-1`, priority: 10 });
    await vi.waitFor(async () => expect(await bullmq.getFailedCount()).toBe(1), 5_000);
    await failing.close();
    await service.enqueueBatch(work);
    startWorker(url, prefix, standInProcessors(database));
    await vi.waitFor(async () => expect((await read(batchId)).status).toBe('completed'), 5_000);
  });
});

describe('enqueueBatch after Redis has lost something', () => {
  it.each(['the aggregate', 'a document'])('runs the batch although %s is in no list any more', async (what) => {
    const { service, work, bullmq, prefix, batchId, docIds, database, read } = await serviceFixture();
    await service.enqueueBatch(work);
    if (what === 'the aggregate') await redis.zrem(bullmq.toKey('waiting-children'), `batch-${batchId}-run-1`);
    else {
      await redis.zrem(bullmq.toKey('prioritized'), `file-${docIds[0]}-run-1`);
      await bullmq.remove(`batch-${batchId}-run-1`, { removeChildren: false });
    }
    await service.enqueueBatch(work);
    startWorker(url, prefix, standInProcessors(database));
    await vi.waitFor(async () => expect((await read(batchId)).status).toBe('completed'), 5_000);
    expect(await bullmq.getJobCounts('completed', 'waiting-children')).toEqual({ completed: 3, 'waiting-children': 0 });
  });
});

describe('enqueueFileProcessing', () => {
  it('enqueues a document of a finished batch, with a priority by name', async () => {
    const { service, bullmq, docIds, finish } = await serviceFixture();
    await finish('completed');
    const docId = docIds[0] as string;
    const ids = [
      await service.enqueueFileProcessing(docId),
      await service.enqueueFileProcessing(docId, 'high'),
      await service.enqueueFileProcessing(docId, 'low'),
    ];
    expect(new Set(ids).size).toBe(3);
    const jobs = await Promise.all(ids.map((id) => bullmq.getJob(id)));
    expect(jobs.map((job) => job?.opts.priority)).toEqual([10, 1, 100]);
    expect(jobs.map((job) => job?.data)).toEqual([{ doc_id: docId }, { doc_id: docId }, { doc_id: docId }]);
  });

  it('is not swallowed by the job that processed the document before', async () => {
    const { service, work, prefix, database, docIds, bullmq } = await serviceFixture();
    startWorker(url, prefix, standInProcessors(database));
    await service.enqueueBatch(work);
    await vi.waitFor(async () => expect(await bullmq.getCompletedCount()).toBe(3), 5_000);
    await service.enqueueFileProcessing(docIds[0] as string);
    await vi.waitFor(async () => expect(await bullmq.getCompletedCount()).toBe(4), 5_000);
  });

  it('refuses while the batch is in process, and a document that is not there', async () => {
    const { service, docIds, bullmq } = await serviceFixture();
    await expect(service.enqueueFileProcessing(docIds[0] as string)).rejects.toThrow(WrongState);
    await expect(service.enqueueFileProcessing('nobody')).rejects.toThrow(NotFound);
    expect(await bullmq.getPrioritizedCount()).toBe(0);
  });
});

describe('enqueueAggregation', () => {
  it('aggregates a finished batch once more, as its next run', async () => {
    const { service, work, prefix, database, batchId, read, bullmq, docIds } = await serviceFixture([
      'bad.pdf',
      'b.txt',
    ]);
    startWorker(url, prefix, standInProcessors(database));
    await service.enqueueBatch(work);
    await vi.waitFor(async () => expect((await read(batchId)).status).toBe('completed_with_errors'), 5_000);
    await database
      .updateTable('documents')
      .set({ status: 'completed' })
      .where('id', '=', docIds[0] as string)
      .execute();
    expect(await service.enqueueAggregation(batchId)).toBe(`batch-${batchId}-run-2`);
    await vi.waitFor(async () => expect(await read(batchId)).toMatchObject({ status: 'completed', run: 2 }), 5_000);
    expect((await bullmq.getJob(`batch-${batchId}-run-2`))?.opts.priority).toBe(1);
  });

  it('shows the batch as processing until the new report is there', async () => {
    const { service, batchId, read, finish, dispatcher } = await serviceFixture();
    await finish('failed');
    await service.enqueueAggregation(batchId);
    expect(await read(batchId)).toMatchObject({ status: 'processing', run: 2 });
    expect(await dispatcher.stateOf({ batchId, run: 2 })).toEqual({ state: 'underway' });
  });

  it('starts once when it is asked twice at the same moment', async () => {
    const { service, batchId, finish, bullmq } = await serviceFixture();
    await finish('completed');
    const answers = await Promise.allSettled([
      service.enqueueAggregation(batchId),
      service.enqueueAggregation(batchId),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await bullmq.getPrioritizedCount()).toBe(1);
  });

  it('refuses a batch that is in process, unknown, or without documents', async () => {
    const { service, batchId, finish, documents, read } = await serviceFixture();
    await expect(service.enqueueAggregation(batchId)).rejects.toThrow(
      new WrongState(`Batch ${batchId} cannot be aggregated: it is processing`),
    );
    await expect(service.enqueueAggregation('nobody')).rejects.toThrow(NotFound);
    await documents.replace(await read(batchId), []);
    await finish('failed');
    await expect(service.enqueueAggregation(batchId)).rejects.toThrow(/has no documents/);
  });
});

describe('the state of dispatched work', () => {
  it('is unknown before, underway then, and completed at the end', async () => {
    const { dispatcher, work, prefix, database } = await serviceFixture();
    expect(await dispatcher.stateOf(work)).toEqual({ state: 'unknown' });
    await dispatcher.dispatch(work);
    expect(await dispatcher.stateOf(work)).toEqual({ state: 'underway' });
    expect(await dispatcher.stateOf({ ...work, run: 2 })).toEqual({ state: 'unknown' });
    startWorker(url, prefix, standInProcessors(database));
    await vi.waitFor(async () => expect(await dispatcher.stateOf(work)).toEqual({ state: 'completed' }), 5_000);
  });

  it('is failed, with the reason, when the aggregate has no attempt left', async () => {
    const { dispatcher, work, prefix, database } = await serviceFixture();
    startWorker(url, prefix, async (job) => {
      if (job.name === 'aggregate-batch') throw new Error('disk full');
      return standInProcessors(database)(job);
    });
    await dispatcher.dispatch(work);
    await vi.waitFor(
      async () => expect(await dispatcher.stateOf(work)).toEqual({ state: 'failed', reason: 'disk full' }),
      5_000,
    );
  });
});
