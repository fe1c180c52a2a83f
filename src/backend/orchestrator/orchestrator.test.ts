import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Batch } from '../database/schema.js';
import { WorkFailed } from '../dispatch/dispatcher.js';
import { batchFixture, collectEvents, RecordingDispatcher } from '../testing/batches.js';
import { deferred } from '../testing/deferred.js';
import { Orchestrator } from './orchestrator.js';

async function orchestratorFixture() {
  const fixture = await batchFixture();
  const dispatcher = new RecordingDispatcher();
  const orchestrator = new Orchestrator({ ...fixture, dispatcher });
  /** Starts the batch and waits for the end of what happens in the background. */
  async function process(id: string) {
    const answer = await orchestrator.start(id);
    await orchestrator.idle();
    return answer;
  }
  return { ...fixture, dispatcher, orchestrator, process };
}

describe('Orchestrator', () => {
  it('extracts, records and dispatches a batch', async () => {
    const { addBatch, process, read, documents, dispatcher, events } = await orchestratorFixture();
    const id = await addBatch({ 'b/two.txt': 'two', 'a.txt': 'one', '.DS_Store': 'junk' });
    const seen = collectEvents(events, id);
    expect(await process(id)).toEqual({ started: true, run: 1 });
    expect(await read(id)).toMatchObject({ status: 'processing', run: 1, reason: null });
    const recorded = await documents.ofBatch(id);
    expect(recorded).toMatchObject([
      { name: 'a.txt', bytes: 3, status: 'pending' },
      { name: 'b/two.txt', bytes: 3, status: 'pending' },
    ]);
    expect(recorded.map(({ storage_path }) => readFileSync(storage_path, 'utf8'))).toEqual(['one', 'two']);
    expect(dispatcher.dispatched).toEqual([{ batchId: id, run: 1, docIds: recorded.map((document) => document.id) }]);
    expect(seen).toEqual([{ type: 'changed' }, { type: 'changed' }]);
  });

  it('starts a batch once, however many ask at the same time', async () => {
    const { addBatch, orchestrator, dispatcher } = await orchestratorFixture();
    const id = await addBatch({ 'a.txt': 'a' });
    const answers = await Promise.all([1, 2, 3, 4].map(() => orchestrator.start(id)));
    await orchestrator.idle();
    expect(answers.filter((answer) => answer.started)).toHaveLength(1);
    expect(dispatcher.dispatched).toHaveLength(1);
    expect(await orchestrator.start(id)).toEqual({ started: false });
    expect(await orchestrator.start('unknown')).toEqual({ started: false });
  });

  it('fails a batch of nothing but junk: no files to process', async () => {
    const { addBatch, process, read, dispatcher } = await orchestratorFixture();
    const id = await addBatch({ '__MACOSX/._a.txt': 'junk', '.DS_Store': 'junk' });
    await process(id);
    expect(await read(id)).toMatchObject({ status: 'failed', reason: 'No files to process' });
    expect(dispatcher.dispatched).toEqual([]);
  });

  it('rejects a bomb whose header lies and removes all of it', async () => {
    const { addRawBatch, process, read, storageDir, dispatcher } = await orchestratorFixture();
    const id = await addRawBatch([
      { name: 'good.txt', content: 'good' },
      { name: 'bomb', content: Buffer.alloc(8 * 1024 * 1024), statedSize: 10 },
    ]);
    await process(id);
    expect(await read(id)).toMatchObject({
      status: 'rejected',
      reason: 'Inflates to more than its header says: "bomb"',
    });
    expect(readdirSync(storageDir)).toEqual([]);
    expect(dispatcher.dispatched).toEqual([]);
  });

  it('fails a batch whose archive has gone from the storage', async () => {
    const { addBatch, process, read, storage } = await orchestratorFixture();
    const id = await addBatch({ 'a.txt': 'a' });
    rmSync(storage.uploadPath(id));
    await process(id);
    expect(await read(id)).toMatchObject({
      status: 'failed',
      reason: 'The archive could not be extracted: ENOENT',
    });
  });

  it('fails a batch whose work has failed, with the documents that were not processed', async () => {
    const { addBatch, process, read, documents, dispatcher } = await orchestratorFixture();
    dispatcher.onDispatch = async () => {
      throw new WorkFailed('aggregate-batch failed: boom');
    };
    const id = await addBatch({ 'a.txt': 'a' });
    await process(id);
    expect(await read(id)).toMatchObject({ status: 'failed', reason: 'aggregate-batch failed: boom' });
    expect(await documents.ofBatch(id)).toMatchObject([{ status: 'failed', reason: 'was not processed' }]);
  });

  it('leaves a batch that could not be dispatched as it is, for the reconciler', async () => {
    const { addBatch, process, read, dispatcher, log } = await orchestratorFixture();
    dispatcher.onDispatch = async () => {
      throw new Error('Redis is away');
    };
    const id = await addBatch({ 'a.txt': 'a' });
    await process(id);
    expect(await read(id)).toMatchObject({ status: 'processing', reason: null });
    expect(log.messages).toContain('batch not dispatched; the reconciler will try again');
  });

  it('changes nothing when the batch was taken over while it extracted', async () => {
    const fixture = await batchFixture();
    const { addBatch, read, batches, documents, storage } = fixture;
    const dispatcher = new RecordingDispatcher();
    const checkpoints = { extracted: async (batch: Batch) => void (await batches.touch(batch)) };
    const orchestrator = new Orchestrator({ ...fixture, dispatcher, checkpoints });
    const id = await addBatch({ 'a.txt': 'a' });
    await orchestrator.start(id);
    await orchestrator.idle();
    expect(await documents.ofBatch(id)).toEqual([]);
    expect(dispatcher.dispatched).toEqual([]);
    expect(await read(id)).toMatchObject({ status: 'processing' });
    expect(readdirSync(dirname(storage.uploadPath(id)))).toEqual(['upload.zip']);
  });

  it('goes on where it was left: documents that are recorded are not extracted again', async () => {
    const { addBatch, process, read, batches, documents, dispatcher, orchestrator, database, storage } =
      await orchestratorFixture();
    const id = await addBatch({ 'a.txt': 'a', 'b.txt': 'b' });
    await process(id);
    const [a, b] = await documents.ofBatch(id);
    await database.updateTable('documents').set({ status: 'completed' }).where('name', '=', 'a.txt').execute();
    rmSync(storage.uploadPath(id));
    const held = await batches.touch(await read(id));
    orchestrator.resume(held as NonNullable<typeof held>);
    await orchestrator.idle();
    expect(dispatcher.dispatched.at(-1)).toEqual({ batchId: id, run: 1, docIds: [b?.id] });
    expect(existsSync(a?.storage_path ?? '')).toBe(true);
  });

  it('clears away what an extraction that was cut short has left', async () => {
    const { addBatch, process, storage } = await orchestratorFixture();
    const id = await addBatch({ 'a.txt': 'a' });
    const upload = storage.uploadPath(id);
    const leftover = storage.extractionPath(upload, 'dead');
    mkdirSync(join(leftover, 'x'), { recursive: true });
    await process(id);
    expect(existsSync(leftover)).toBe(false);
    expect(readdirSync(dirname(upload))).toHaveLength(2);
  });

  it('stops what is underway when it closes, and leaves it to the reconciler', async () => {
    const { addBatch, orchestrator, read, dispatcher, log } = await orchestratorFixture();
    const reached = deferred();
    dispatcher.onDispatch = (_work, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        reached.resolve();
      });
    const id = await addBatch({ 'a.txt': 'a' });
    await orchestrator.start(id);
    await reached.promise;
    expect(orchestrator.isWorkingOn(id)).toBe(true);
    await orchestrator.close();
    expect(orchestrator.isWorkingOn(id)).toBe(false);
    expect(await read(id)).toMatchObject({ status: 'processing' });
    expect(log.messages).toContain('batch left to the reconciler: the backend is stopping');
  });
});
