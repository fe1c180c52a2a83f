import { type Job, UnrecoverableError, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { onTestFinished } from 'vitest';
import type { BackendDatabase } from '../database/open.js';
import { aggregateResult, fileResult } from './http-worker.js';

/** What one job does; throws to fail. */
export type Processor = (job: Job) => Promise<unknown>;

/** A worker in Node that plays the Python side; stopped when the test has finished. */
export function startWorker(url: string, prefix: string, processor: Processor, name = 'stand-in'): Worker {
  const connection = new Redis(url, { maxRetriesPerRequest: null });
  const worker = new Worker('file-processing', processor, { connection, prefix, name });
  worker.on('error', () => {});
  onTestFinished(async () => {
    await worker.close();
    connection.disconnect();
  });
  return worker;
}

/**
 * What the Python processors do to the rows, without reading documents: a document whose name begins with `bad` fails,
 * for good.
 */
export function standInProcessors(database: BackendDatabase): Processor {
  return async (job) => {
    if (job.name === 'process-file') return processFile(database, job);
    return aggregateBatch(database, job.data.batch_id);
  };
}

async function processFile(database: BackendDatabase, job: Job): Promise<object> {
  const docId: string = job.data.doc_id;
  const { name } = await database
    .selectFrom('documents')
    .select('name')
    .where('id', '=', docId)
    .executeTakeFirstOrThrow();
  await job.updateProgress(50);
  const outcome = name.startsWith('bad')
    ? { status: 'failed' as const, reason: 'is corrupt' }
    : { status: 'completed' as const };
  await database.updateTable('documents').set(outcome).where('id', '=', docId).execute();
  if (outcome.status === 'failed') throw new UnrecoverableError('is corrupt');
  return fileResult(docId);
}

/** What `aggregate_batch` does to the rows. */
export async function aggregateBatch(database: BackendDatabase, batchId: string): Promise<object> {
  await database
    .updateTable('documents')
    .set({ status: 'failed', reason: 'was not processed' })
    .where('batch_id', '=', batchId)
    .where('status', '=', 'pending')
    .execute();
  const rows = await database.selectFrom('documents').select('status').where('batch_id', '=', batchId).execute();
  const completed = rows.filter(({ status }) => status === 'completed').length;
  const failed = rows.length - completed;
  const status = completed === 0 ? 'failed' : failed > 0 ? 'completed_with_errors' : 'completed';
  const report = JSON.stringify({ totals: { completed, failed } });
  await database
    .updateTable('batches')
    .set({ status, report, updated_at: Date.now() })
    .where('id', '=', batchId)
    .execute();
  return { ...aggregateResult(batchId), status, files: rows.length, completed, failed };
}
