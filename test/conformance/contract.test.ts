import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import { ContractError, JobQueue, JobQueueEvents } from '../../src/bridge/index.js';
import { fileProcessing } from '../../src/jobs/file-processing.js';
import type { PythonWorker } from '../support/python-worker.js';
import { useSystem } from '../support/system.js';

const SCHEMAS = fileURLToPath(new URL('../../schemas', import.meta.url));
const TIMEOUT_MS = 15_000;

const system = useSystem();
const connection = { connection: system.redis, prefix: system.prefix };
const queue = new JobQueue(fileProcessing, connection);
const events = new JobQueueEvents(fileProcessing, connection);
// The same queue for a producer that knows nothing of contracts.
const plain = system.queue(fileProcessing.name);
let worker: PythonWorker;

beforeAll(async () => {
  await events.waitUntilReady();
  worker = await system.startWorker('documents.py', { queue: fileProcessing.name, contract: SCHEMAS });
  return async () => {
    await events.close();
    await queue.close();
  };
});

/** Waits until a job has failed; returns what Node can read of it. */
async function failureOf(id: string | undefined) {
  const job = await system.jobIn('failed', plain, id);
  return { job, failure: await queue.readFailure(job) };
}

function timesRun(id: string | undefined): number {
  return worker.log.split('\n').filter((line) => line === `runs ${id}`).length;
}

describe('with a contract', () => {
  test('a job goes out typed, with the options of the contract, and its result comes back typed', async () => {
    const job = await queue.add('process-file', { doc_id: 'Übergröße 😀' });
    const result = await events.waitUntilFinished(job, TIMEOUT_MS);
    expectTypeOf(result.pages).toEqualTypeOf<number | null>();
    expect(result).toEqual({
      doc_id: 'Übergröße 😀',
      media_type: 'text/plain',
      bytes: Number.MAX_SAFE_INTEGER,
      // Python counts code points.
      characters: 11,
      pages: null,
      sha256: '0'.repeat(64),
    });
    expect(job.opts).toMatchObject({
      attempts: 3,
      backoff: { type: 'exponential', delay: 2_000 },
      priority: 10,
      removeOnComplete: { count: 100 },
      removeOnFail: { count: 1_000 },
    });
  });

  test('several jobs and a flow reach the same worker', async () => {
    const jobs = await queue.addMany([
      { name: 'process-file', data: { doc_id: 'a' } },
      { name: 'aggregate-batch', data: { batch_id: 'alone' } },
    ]);
    expect(await events.waitUntilFinished(jobs[0], TIMEOUT_MS)).toMatchObject({ doc_id: 'a' });
    expect(await events.waitUntilFinished(jobs[1], TIMEOUT_MS)).toMatchObject({ files: 0, status: 'completed' });

    const flow = await queue.flow({
      name: 'aggregate-batch',
      data: { batch_id: 'b' },
      children: [
        { name: 'process-file', data: { doc_id: 'one' } },
        { name: 'process-file', data: { doc_id: 'missing field' } },
        { name: 'process-file', data: { doc_id: 'two' } },
      ],
    });
    expect(await events.waitUntilFinished(flow.job, TIMEOUT_MS)).toEqual({
      batch_id: 'b',
      status: 'completed_with_errors',
      files: 3,
      completed: 2,
      failed: 1,
    });
  });

  test('a field that the contract does not know travels through', async () => {
    const job = await queue.add('process-file', { doc_id: 'unforeseen field' });
    await events.waitUntilFinished(job, TIMEOUT_MS);
    expect((await plain.getJob(job.id as string))?.returnvalue).toMatchObject({ language: 'de' });
  });

  test('a whole float is an integer to both languages', async () => {
    const job = await queue.add('process-file', { doc_id: 'whole float' });
    expect((await events.waitUntilFinished(job, TIMEOUT_MS)).bytes).toBe(12);
  });

  test('a payload that breaks it never reaches Redis', async () => {
    const before = await system.redis.get(`${system.prefix}:${fileProcessing.name}:id`);
    await expect(queue.add('process-file', { doc_id: '' })).rejects.toThrow(ContractError);
    expect(await system.redis.get(`${system.prefix}:${fileProcessing.name}:id`)).toBe(before);
  });
});

describe('a payload that a plain producer added', () => {
  test.each<[string, unknown, string[]]>([
    ['without a required field', { docId: 'd' }, ['/doc_id']],
    ['with a field of the wrong type', { doc_id: 7 }, ['/doc_id']],
    ['of the wrong shape', ['d'], ['/']],
    ['with text that is too long', { doc_id: 'x'.repeat(201) }, ['/doc_id']],
    ['with a lone surrogate', { doc_id: '\ud83d' }, ['/doc_id']],
  ])('%s fails at once, with the paths, without being run', async (_, data, paths) => {
    const { id } = await plain.add('process-file', data, { attempts: 3 });
    const { job, failure } = await failureOf(id);
    expect(failure).toMatchObject({ kind: 'contract_violation', attempt: 1, message: job.failedReason });
    expect(failure?.paths).toEqual(paths);
    expect(job.failedReason).toContain('breaks the contract');
    expect(job.attemptsMade).toBe(1);
    expect(timesRun(id)).toBe(0);
  });
});

describe('a result', () => {
  test.each<[string, string[]]>([
    ['missing field', ['/sha256']],
    ['wrong types', ['/bytes', '/pages']],
    ['beyond 2^53', ['/bytes']],
  ])('that breaks it (%s) fails the job, which is not run again', async (doc_id, paths) => {
    const { id } = await plain.add('process-file', { doc_id }, { attempts: 3 });
    const { job, failure } = await failureOf(id);
    expect(failure).toMatchObject({ kind: 'contract_violation', attempt: 1, message: job.failedReason });
    expect(failure?.paths?.toSorted()).toEqual(paths);
    expect(job.attemptsMade).toBe(1);
    expect(job.returnvalue).toBeNull();
    expect(timesRun(id)).toBe(1);
  });
});
