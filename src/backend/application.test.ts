import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Queue } from 'bullmq';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { call } from './testing/api.js';
import { quick, systemFixture } from './testing/application.js';
import { fileResult, startHttpWorker } from './testing/http-worker.js';
import { aggregateBatch, standInProcessors, startWorker } from './testing/node-worker.js';
import { runScript } from './testing/processes.js';
import { type Proxy as RedisProxy, startProxy } from './testing/proxy.js';
import { testRedis } from './testing/redis.js';

const { url, prefix: filePrefix, redis } = testRedis();
const files = { 'a.txt': 'one', 'bad.pdf': 'two', 'folder/c.txt': 'three' };
const finished = { timeout: 20_000, interval: 20 };

async function queueSystem() {
  const prefix = `${filePrefix}:${randomUUID()}`;
  const system = await systemFixture({ REDIS_URL: url, QUEUE_PREFIX: prefix });
  const queue = new Queue('file-processing', { connection: redis, prefix });
  onTestFinished(() => queue.close());
  const work = () => startWorker(url, prefix, standInProcessors(system.database));
  return { ...system, prefix, queue, work };
}

/** The same system with a stand-in for `python -m workers.http_worker`. */
async function directSystem() {
  const system = await systemFixture({ USE_QUEUE: 'false' });
  const worker = await startHttpWorker(async ({ body }) => {
    if (body.batch_id !== undefined) return [200, await aggregateBatch(system.database, body.batch_id)];
    const docId = body.doc_id ?? '';
    const rows = system.database.updateTable('documents').where('id', '=', docId);
    const { name } = await system.database
      .selectFrom('documents')
      .select('name')
      .where('id', '=', docId)
      .executeTakeFirstOrThrow();
    if (name.startsWith('bad')) {
      await rows.set({ status: 'failed', reason: 'is corrupt' }).execute();
      return [422, { error: 'is corrupt' }];
    }
    await rows.set({ status: 'completed' }).execute();
    return [200, fileResult(docId)];
  });
  system.settings.WORKER_URL = worker.url;
  return { ...system, worker };
}

/** Whether somebody waits for events through the proxy. */
async function listening(proxy: RedisProxy): Promise<boolean> {
  const clients = String(await redis.client('LIST')).split('\n');
  return clients.some(
    (client) => client.includes(' cmd=xread ') && proxy.addresses().some((from) => client.includes(` addr=${from} `)),
  );
}

/** What both ways must have in common: everything but ids and times. */
function outcome(batch: Record<string, unknown> & { files: Record<string, unknown>[] }) {
  const { status, reason, run, report } = batch;
  return {
    status,
    reason,
    run,
    report,
    files: batch.files.map(({ name, status, reason, bytes }) => ({ name, status, reason, bytes })),
  };
}

const expected = {
  status: 'completed_with_errors',
  reason: null,
  run: 1,
  report: { totals: { completed: 2, failed: 1 } },
  files: [
    { name: 'a.txt', status: 'completed', reason: null, bytes: 3 },
    { name: 'bad.pdf', status: 'failed', reason: 'is corrupt', bytes: 3 },
    { name: 'folder/c.txt', status: 'completed', reason: null, bytes: 5 },
  ],
};

describe('the backend with the queue', { timeout: 60_000 }, () => {
  it('takes a batch from the upload to its report', async () => {
    const { startBackend, uploadFiles, start, show, work } = await queueSystem();
    const { baseUrl } = await startBackend();
    work();
    const id = await uploadFiles(baseUrl, files);
    const stream = await fetch(`${baseUrl}/api/batches/${id}/events`);
    expect((await start(baseUrl, id)).status).toBe(202);
    const events = [...(await stream.text()).matchAll(/^event: (.*)$/gm)].map(([, event]) => event);
    expect(outcome(await show(baseUrl, id))).toEqual(expected);
    expect(events.at(0)).toBe('status');
    expect(events.at(-1)).toBe('finished');
    expect(events.filter((event) => event === 'progress')).toHaveLength(3);
    expect(events.filter((event) => event === 'failed')).toHaveLength(1);
    expect(events.filter((event) => event === 'completed').length).toBeGreaterThanOrEqual(2);
  });

  it('runs a document and then the aggregate again', async () => {
    const { startBackend, uploadFiles, start, show, work, database } = await queueSystem();
    const { baseUrl, queueService } = await startBackend();
    work();
    const id = await uploadFiles(baseUrl, files);
    await start(baseUrl, id);
    await vi.waitFor(async () => expect((await show(baseUrl, id)).status).toBe('completed_with_errors'), finished);
    await database.updateTable('documents').set({ name: 'mended.pdf' }).where('name', '=', 'bad.pdf').execute();
    const { doc_id } = (await show(baseUrl, id)).files.find(({ status }: { status: string }) => status === 'failed');
    await queueService?.enqueueFileProcessing(doc_id, 'high');
    const file = async () => (await call(baseUrl, 'GET', `/api/batches/${id}/files/${doc_id}`)).body;
    await vi.waitFor(async () => expect(await file()).toMatchObject({ status: 'completed' }), finished);
    await queueService?.enqueueAggregation(id);
    await vi.waitFor(
      async () => expect(await show(baseUrl, id)).toMatchObject({ status: 'completed', run: 2 }),
      finished,
    );
  });

  it('shows the queue and its own health', async () => {
    const { startBackend, uploadFiles, start, queue } = await queueSystem();
    const { baseUrl } = await startBackend();
    await start(baseUrl, await uploadFiles(baseUrl, files));
    await vi.waitFor(async () => expect(await queue.getPrioritizedCount()).toBe(3), finished);
    expect((await call(baseUrl, 'GET', '/api/queue/stats')).body).toMatchObject({
      mode: 'queue',
      counts: { prioritized: 3, 'waiting-children': 1 },
      priorities: { normal: 3 },
    });
    expect(await call(baseUrl, 'GET', '/healthz')).toEqual({
      status: 200,
      body: { status: 'ok', mode: 'queue', database: 'ok', redis: 'ok' },
    });
  });

  it('shows which jobs have no processor and which workers do not go together with it, if it announces itself', async () => {
    const { startBackend, settings, prefix } = await queueSystem();
    const stats = async (baseUrl: string) => (await call(baseUrl, 'GET', '/api/queue/stats')).body.registry;
    const silent = await startBackend();
    expect(await stats(silent.baseUrl)).toBeUndefined();
    settings.ANNOUNCE_CONTRACT = 'true';
    const { baseUrl, close } = await startBackend();
    const withoutProcessor = ['aggregate-batch', 'process-file'];
    const alone = { producers: 1, workers: 0, withoutProcessor, mismatches: [] };
    await vi.waitFor(async () => expect(await stats(baseUrl)).toEqual(alone), finished);

    // A worker that knows one job, in another version.
    const base = `bullmq-bridge:${prefix}:file-processing`;
    const jobs = { 'process-file': { fingerprint: 'other', past: {}, processor: true } };
    await redis.set(`${base}:worker:w`, JSON.stringify({ who: 'host:1', jobs }));
    await redis.sadd(`${base}:workers`, 'w');
    onTestFinished(async () => void (await redis.unlink(`${base}:worker:w`, `${base}:workers`)));
    expect(await stats(baseUrl)).toMatchObject({
      workers: 1,
      withoutProcessor: ['aggregate-batch'],
      mismatches: [
        { worker: 'host:1', job: 'process-file', report: expect.stringContaining('breaking') },
        { worker: 'host:1', job: 'aggregate-batch', report: expect.stringContaining('does not know the job') },
      ],
    });
    await close();
    expect(await redis.exists(`${base}:producers`)).toBe(0);
  });

  it('enqueues a batch once although two backends are asked to at the same moment', async () => {
    const { startBackend, uploadFiles, start, show, work, queue } = await queueSystem();
    const [one, two] = [await startBackend(), await startBackend()];
    const id = await uploadFiles(one.baseUrl, files);
    const answers = await Promise.all([one, two, one, two].map(({ baseUrl }) => start(baseUrl, id)));
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 409, 409, 409]);
    work();
    await vi.waitFor(async () => expect((await show(two.baseUrl, id)).status).toBe('completed_with_errors'), finished);
    expect(await queue.getJobCounts('completed', 'failed')).toEqual({ completed: 3, failed: 1 });
  });

  it('fails the batch with the reason when the aggregate fails for good', async () => {
    const { startBackend, uploadFiles, start, show, prefix } = await queueSystem();
    // The reconciler's timer is out of the way: the event alone must do.
    const { baseUrl } = await startBackend({ reconcileIntervalMs: 600_000 });
    startWorker(url, prefix, async (job) => {
      if (job.name === 'aggregate-batch') throw new Error('disk full');
      return fileResult(job.data.doc_id);
    });
    const id = await uploadFiles(baseUrl, { 'a.txt': 'a' });
    await start(baseUrl, id);
    await vi.waitFor(async () => expect((await show(baseUrl, id)).status).toBe('failed'), finished);
    expect(await show(baseUrl, id)).toMatchObject({
      reason: 'aggregate-batch failed: disk full',
      files: [{ status: 'failed', reason: 'was not processed' }],
    });
  });

  it('answers while Redis is away, says so, and enqueues what was started meanwhile', async () => {
    const system = await queueSystem();
    // Nothing listens on port 1.
    system.settings.REDIS_URL = 'redis://127.0.0.1:1';
    const without = await system.startBackend(quick);
    const id = await system.uploadFiles(without.baseUrl, files);
    expect((await call(without.baseUrl, 'GET', '/healthz')).body).toMatchObject({
      database: 'ok',
      redis: 'unreachable',
    });
    expect((await call(without.baseUrl, 'GET', '/api/queue/stats')).status).toBe(503);
    expect((await system.start(without.baseUrl, id)).status).toBe(202);
    await without.orchestrator.idle();
    await without.close();
    system.settings.REDIS_URL = url;
    const back = await system.startBackend(quick);
    system.work();
    await vi.waitFor(async () => expect(outcome(await system.show(back.baseUrl, id))).toEqual(expected), finished);
  });
});

describe('the backend when Redis goes away while it runs', { timeout: 60_000 }, () => {
  it('says so, keeps serving, and goes on by itself when Redis is back', async () => {
    const system = await queueSystem();
    const proxy = await startProxy(url);
    system.settings.REDIS_URL = proxy.url;
    const { baseUrl } = await system.startBackend(quick);
    const healthy = async (status: number) =>
      vi.waitFor(async () => expect((await call(baseUrl, 'GET', '/healthz')).status).toBe(status), finished);
    await healthy(200);
    await proxy.goDown();
    await healthy(503);
    const id = await system.uploadFiles(baseUrl, files);
    expect((await system.start(baseUrl, id)).status).toBe(202);
    await proxy.comeBack();
    await healthy(200);
    const stream = await fetch(`${baseUrl}/api/batches/${id}/events`);
    // What happens before it listens again is lost to it, and a worker can be done by then.
    await vi.waitFor(async () => expect(await listening(proxy)).toBe(true), finished);
    system.work();
    // Events too are heard again: the progress of a job is in no row.
    expect(await stream.text()).toMatch(/event: progress[\s\S]*event: finished/);
    expect(outcome(await system.show(baseUrl, id))).toEqual(expected);
    await proxy.goDown();
    await healthy(503);
  });
});

describe('the backend without the queue', { timeout: 60_000 }, () => {
  it('gives the same result by calling the HTTP worker', async () => {
    const { startBackend, uploadFiles, start, show, worker } = await directSystem();
    const { baseUrl } = await startBackend();
    const id = await uploadFiles(baseUrl, files);
    const stream = await fetch(`${baseUrl}/api/batches/${id}/events`);
    expect((await start(baseUrl, id)).status).toBe(202);
    expect(await stream.text()).toMatch(/event: finished\n/);
    expect(outcome(await show(baseUrl, id))).toEqual(expected);
    expect(worker.calls.map(({ path }) => path).sort()).toEqual([
      '/aggregate-batch',
      '/process-file',
      '/process-file',
      '/process-file',
    ]);
    expect((await call(baseUrl, 'GET', '/api/queue/stats')).body).toEqual({ mode: 'direct', active: 0, waiting: 0 });
  });

  it('says that no worker answers', async () => {
    const { startBackend, worker } = await directSystem();
    const { baseUrl } = await startBackend();
    await worker.stop();
    expect(await call(baseUrl, 'GET', '/healthz')).toEqual({
      status: 503,
      body: { status: 'unavailable', mode: 'direct', database: 'ok', worker: 'unreachable' },
    });
  });

  it('goes on with the documents that are left when the next process starts', async () => {
    const { startBackend, uploadFiles, start, show, settings, database } = await directSystem();
    const first = await startBackend();
    const id = await uploadFiles(first.baseUrl, files);
    const stuck = await startHttpWorker(() => new Promise(() => {}));
    await first.close();
    settings.WORKER_URL = stuck.url;
    const second = await startBackend(quick);
    await start(second.baseUrl, id);
    await vi.waitFor(() => expect(stuck.calls.length).toBeGreaterThan(0), finished);
    await second.close();
    expect((await database.selectFrom('batches').select('status').executeTakeFirst())?.status).toBe('processing');
    await database.updateTable('documents').set({ status: 'completed' }).where('name', '=', 'a.txt').execute();
    const good = await startHttpWorker(async ({ body }) => {
      if (body.batch_id !== undefined) return [200, await aggregateBatch(database, body.batch_id)];
      await database
        .updateTable('documents')
        .set({ status: 'completed' })
        .where('id', '=', body.doc_id ?? '')
        .execute();
      return [200, fileResult(body.doc_id ?? '')];
    });
    settings.WORKER_URL = good.url;
    const third = await startBackend(quick);
    await vi.waitFor(async () => expect((await show(third.baseUrl, id)).status).toBe('completed'), finished);
    expect(good.calls).toHaveLength(3);
  });
});

describe('a backend that is killed', { timeout: 60_000 }, () => {
  it.each(['started', 'extracted', 'recorded'])(
    'strands nothing when it dies after the step "%s"',
    async (checkpoint) => {
      const { settings, startBackend, uploadFiles, start, show, work, queue, folder, database } = await queueSystem();
      const doomed = runScript('crashing-backend.ts', [checkpoint], settings);
      const [address] = await once(doomed.stdout, 'data');
      const id = await uploadFiles(String(address).trim(), files);
      // The answer may still get out before the process dies, or not.
      await start(String(address).trim(), id).catch(() => {});
      await expect(doomed).rejects.toMatchObject({ signal: 'SIGKILL' });
      const left = await database.selectFrom('batches').selectAll().executeTakeFirstOrThrow();
      expect(left).toMatchObject({ id, status: 'processing', run: 1 });
      expect(await queue.getJobCountByTypes('prioritized', 'waiting-children')).toBe(0);

      const { baseUrl } = await startBackend(quick);
      work();
      await vi.waitFor(async () => expect(outcome(await show(baseUrl, id))).toEqual(expected), finished);
      expect(await queue.getJobCounts('completed', 'failed')).toEqual({ completed: 3, failed: 1 });
      expect(await queue.getJob(`batch-${id}-run-1`)).toBeDefined();
      const kept = readdirSync(join(folder, 'storage', id));
      expect(kept.filter((name) => name.startsWith('files-'))).toHaveLength(1);
    },
  );
});
