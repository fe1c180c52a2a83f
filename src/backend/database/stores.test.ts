import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startPostgres, type TestPostgres } from '../testing/postgres.js';
import { Batches } from './batches.js';
import { Documents } from './documents.js';
import { type BackendDatabase, openDatabase } from './open.js';
import type { Batch } from './schema.js';

const files = [
  { docId: 'd2', name: 'b.txt', path: '/s/d2.txt', bytes: 2 },
  { docId: 'd1', name: 'a.txt', path: '/s/d1.txt', bytes: 3_000_000_000 },
];

describe.each(['SQLite', 'PostgreSQL'])('the tables in %s', (kind) => {
  let database: BackendDatabase;
  let batches: Batches;
  let documents: Documents;
  let folder: string;
  let postgres: TestPostgres | undefined;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'bullmq-bridge-'));
    if (kind === 'PostgreSQL') postgres = await startPostgres();
    database = await openDatabase(postgres?.url ?? `sqlite:///${join(folder, 'new', 'test.db')}`);
    batches = new Batches(database);
    documents = new Documents(database);
  }, 60_000);

  afterAll(async () => {
    await database?.destroy();
    await postgres?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  beforeEach(async () => {
    await database.deleteFrom('documents').execute();
    await database.deleteFrom('batches').execute();
  });

  async function startedBatch(id = 'b1'): Promise<Batch> {
    await batches.insert({ id, filename: 'a.zip', storagePath: '/s/a.zip', status: 'queued' });
    const batch = await batches.start(id);
    if (batch === undefined) throw new Error('the batch did not start');
    return batch;
  }

  it('keep a batch as it was inserted, with its times as numbers', async () => {
    const before = Date.now();
    await batches.insert({ id: 'b1', filename: 'é.zip', storagePath: '/s/b1', status: 'rejected', reason: 'no' });
    const batch = await batches.find('b1');
    expect(batch).toEqual({
      id: 'b1',
      filename: 'é.zip',
      status: 'rejected',
      reason: 'no',
      run: 0,
      storage_path: '/s/b1',
      report: null,
      created_at: expect.any(Number),
      updated_at: batch?.created_at,
    });
    expect(batch?.created_at).toBeGreaterThanOrEqual(before);
    expect(await batches.find('b2')).toBeUndefined();
  });

  it('give a queued batch to one of many who start it', async () => {
    await batches.insert({ id: 'b1', filename: 'a.zip', storagePath: '/s/a.zip', status: 'queued' });
    const started = await Promise.all(Array.from({ length: 8 }, () => batches.start('b1')));
    expect(started.filter((batch) => batch !== undefined)).toHaveLength(1);
    expect(await batches.find('b1')).toMatchObject({ status: 'processing', run: 1 });
  });

  it.each(['processing', 'rejected', 'completed', 'failed'] as const)(
    'do not start a batch that is %s',
    async (status) => {
      await startedBatch();
      await database.updateTable('batches').set({ status }).execute();
      expect(await batches.start('b1')).toBeUndefined();
    },
  );

  it.each(['completed', 'completed_with_errors', 'failed'] as const)('restart a batch that is %s', async (status) => {
    await startedBatch();
    await database.updateTable('batches').set({ status, reason: 'old' }).execute();
    expect(await batches.restart('b1')).toMatchObject({ status: 'processing', run: 2, reason: null });
  });

  it.each(['queued', 'processing', 'rejected'] as const)('do not restart a batch that is %s', async (status) => {
    await startedBatch();
    await database.updateTable('batches').set({ status }).execute();
    expect(await batches.restart('b1')).toBeUndefined();
  });

  it('give the lease of a batch to one of many who saw it', async () => {
    const seen = await startedBatch();
    const held = (await Promise.all(Array.from({ length: 8 }, () => batches.touch(seen)))).filter(Boolean);
    expect(held).toHaveLength(1);
    expect(held[0]?.updated_at).toBeGreaterThan(seen.updated_at);
  });

  it('take the lease away with the next run', async () => {
    const seen = await startedBatch();
    await database.updateTable('batches').set({ status: 'failed' }).execute();
    const restarted = await batches.restart('b1');
    await database.updateTable('batches').set({ updated_at: seen.updated_at }).execute();
    expect(await batches.touch(seen)).toBeUndefined();
    expect(await batches.settle(seen, 'failed', 'old news')).toBe(false);
    expect(await batches.find('b1')).toMatchObject({ status: 'processing', run: restarted?.run });
  });

  it('record the documents of a batch, pending and by name', async () => {
    const held = await documents.replace(await startedBatch(), files);
    expect(await documents.ofBatch('b1')).toEqual([
      expect.objectContaining({ id: 'd1', name: 'a.txt', bytes: 3_000_000_000, status: 'pending' }),
      expect.objectContaining({ id: 'd2', name: 'b.txt', bytes: 2, status: 'pending' }),
    ]);
    expect(held).toMatchObject({ id: 'b1', status: 'processing' });
    expect(await documents.find('d1')).toMatchObject({ batch_id: 'b1', extracted: null });
  });

  it('record documents in the place of those before', async () => {
    const held = await documents.replace(await startedBatch(), files);
    await documents.replace(held as Batch, [{ docId: 'd3', name: 'c.txt', path: '/s/d3', bytes: 1 }]);
    expect((await documents.ofBatch('b1')).map((document) => document.id)).toEqual(['d3']);
  });

  it('record nothing for someone who has lost the batch', async () => {
    const seen = await startedBatch();
    await batches.touch(seen);
    expect(await documents.replace(seen, files)).toBeUndefined();
    expect(await documents.ofBatch('b1')).toEqual([]);
  });

  it('record more documents than fit into one statement', async () => {
    const many = Array.from({ length: 2_500 }, (_, n) => ({ docId: `d${n}`, name: `${n}`, path: '/s', bytes: 1 }));
    await documents.replace(await startedBatch(), many);
    expect(await documents.ofBatch('b1')).toHaveLength(2_500);
  });

  it('settle a batch together with the documents that nobody processed', async () => {
    const held = (await documents.replace(await startedBatch(), files)) as Batch;
    await database.updateTable('documents').set({ status: 'completed' }).where('id', '=', 'd1').execute();
    expect(await batches.settle(held, 'failed', 'the aggregate failed')).toBe(true);
    expect(await batches.find('b1')).toMatchObject({ status: 'failed', reason: 'the aggregate failed' });
    expect(await documents.ofBatch('b1')).toMatchObject([
      { id: 'd1', status: 'completed', reason: null },
      { id: 'd2', status: 'failed', reason: 'was not processed' },
    ]);
    expect(await batches.settle(held, 'failed', 'again')).toBe(false);
  });

  it('list what is in process', async () => {
    await startedBatch('b1');
    await startedBatch('b2');
    await batches.insert({ id: 'b3', filename: 'a.zip', storagePath: '/s/a.zip', status: 'queued' });
    await database.updateTable('batches').set({ updated_at: 1 }).where('id', '=', 'b2').execute();
    expect((await batches.inProcess()).map((batch) => batch.id)).toEqual(['b2', 'b1']);
  });

  it('refuse a document without a batch', async () => {
    const orphan = sql`insert into documents (id, batch_id, name, storage_path, bytes, status, updated_at)
      values ('d9', 'nobody', 'a', '/a', 1, 'pending', 1)`;
    await expect(orphan.execute(database)).rejects.toThrow(/foreign key/i);
  });
});
