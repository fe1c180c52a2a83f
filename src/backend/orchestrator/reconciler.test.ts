import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Batch } from '../database/schema.js';
import { batchFixture, collectEvents, RecordingDispatcher } from '../testing/batches.js';
import { deferred } from '../testing/deferred.js';
import { Orchestrator } from './orchestrator.js';
import { Reconciler } from './reconciler.js';

async function reconcilerFixture() {
  const fixture = await batchFixture();
  const dispatcher = new RecordingDispatcher();
  const orchestrator = new Orchestrator({ ...fixture, dispatcher });
  const reconciler = new Reconciler({ ...fixture, dispatcher, orchestrator, intervalMs: 10 });
  onTestFinished(() => reconciler.stop());
  async function pass() {
    await reconciler.pass();
    await orchestrator.idle();
  }
  /** A batch that was started and then forgotten, a minute ago. */
  async function abandonedBatch(files = { 'a.txt': 'a' }) {
    const id = await fixture.addBatch(files);
    await fixture.batches.start(id);
    await fixture.abandon(id);
    return id;
  }
  return { ...fixture, dispatcher, orchestrator, reconciler, pass, abandonedBatch };
}

describe('Reconciler', () => {
  it('goes on with a batch that nobody works on', async () => {
    const { abandonedBatch, pass, dispatcher, documents } = await reconcilerFixture();
    const id = await abandonedBatch();
    await pass();
    const [document] = await documents.ofBatch(id);
    expect(dispatcher.dispatched).toEqual([{ batchId: id, run: 1, docIds: [document?.id] }]);
  });

  it('leaves a batch alone while its lease may be held by another backend', async () => {
    const { addBatch, batches, pass, dispatcher } = await reconcilerFixture();
    await batches.start(await addBatch({ 'a.txt': 'a' }));
    await pass();
    expect(dispatcher.dispatched).toEqual([]);
  });

  it('leaves a batch alone whose work is underway', async () => {
    const { abandonedBatch, pass, dispatcher, read } = await reconcilerFixture();
    const id = await abandonedBatch();
    const before = await read(id);
    dispatcher.state = { state: 'underway' };
    await pass();
    expect(dispatcher.dispatched).toEqual([]);
    expect(await read(id)).toEqual(before);
  });

  it('leaves a batch alone that it is working on itself', async () => {
    const { addBatch, orchestrator, reconciler, dispatcher, abandon } = await reconcilerFixture();
    const [reached, finish] = [deferred(), deferred()];
    dispatcher.onDispatch = () => {
      reached.resolve();
      return finish.promise;
    };
    const id = await addBatch({ 'a.txt': 'a' });
    await orchestrator.start(id);
    await reached.promise;
    await abandon(id);
    await reconciler.pass();
    finish.resolve();
    await orchestrator.idle();
    expect(dispatcher.dispatched).toHaveLength(1);
  });

  it('fails a batch whose aggregate has failed for good, and says so to whoever watches', async () => {
    const { abandonedBatch, pass, dispatcher, read, events } = await reconcilerFixture();
    const id = await abandonedBatch();
    const seen = collectEvents(events, id);
    dispatcher.state = { state: 'failed', reason: 'disk full' };
    await pass();
    expect(await read(id)).toMatchObject({ status: 'failed', reason: 'aggregate-batch failed: disk full' });
    expect(seen).toEqual([{ type: 'changed' }]);
    expect(dispatcher.dispatched).toEqual([]);
  });

  it('says that the workers use another database when the aggregate has run and the row has not changed', async () => {
    const { abandonedBatch, pass, dispatcher, read } = await reconcilerFixture();
    const id = await abandonedBatch();
    dispatcher.state = { state: 'completed' };
    await pass();
    expect(await read(id)).toMatchObject({ status: 'failed', reason: expect.stringContaining('same DATABASE_URL') });
  });

  it.each(['unknown', 'completed'] as const)(
    'reads the row again before it acts: the aggregate may have ended in between (%s)',
    async (state) => {
      const { abandonedBatch, pass, dispatcher, database, read } = await reconcilerFixture();
      const id = await abandonedBatch();
      vi.spyOn(dispatcher, 'stateOf').mockImplementation(async () => {
        await database.updateTable('batches').set({ status: 'completed' }).execute();
        return { state };
      });
      await pass();
      expect(await read(id)).toMatchObject({ status: 'completed', reason: null });
      expect(dispatcher.dispatched).toEqual([]);
    },
  );

  it('lets one of several backends take a batch over', async () => {
    const { abandonedBatch, dispatcher, batches, log, ...fixture } = await reconcilerFixture();
    await abandonedBatch();
    const backends = [1, 2, 3].map(() => {
      const orchestrator = new Orchestrator({ ...fixture, batches, dispatcher, log });
      return { orchestrator, reconciler: new Reconciler({ ...fixture, batches, dispatcher, orchestrator, log }) };
    });
    await Promise.all(backends.map(({ reconciler }) => reconciler.pass()));
    await Promise.all(backends.map(({ orchestrator }) => orchestrator.idle()));
    expect(dispatcher.dispatched).toHaveLength(1);
    // The others did not even begin.
    expect(log.messages).toEqual(['batch was abandoned; going on with it', 'batch dispatched']);
  });

  it('passes at start and again on its timer', async () => {
    const { abandonedBatch, reconciler, dispatcher } = await reconcilerFixture();
    await abandonedBatch();
    reconciler.start();
    await vi.waitFor(() => expect(dispatcher.dispatched).toHaveLength(1));
    await abandonedBatch();
    await vi.waitFor(() => expect(dispatcher.dispatched).toHaveLength(2));
  });

  it('reports once that Redis is away, keeps trying, and goes on when it is back', async () => {
    const { abandonedBatch, reconciler, dispatcher, log } = await reconcilerFixture();
    await abandonedBatch();
    const stateOf = vi.spyOn(dispatcher, 'stateOf').mockRejectedValue(new Error('Redis is away'));
    reconciler.start();
    await vi.waitFor(() => expect(stateOf.mock.calls.length).toBeGreaterThan(3));
    expect(log.messages).toEqual(['batches cannot be reconciled now; trying again']);
    stateOf.mockRestore();
    await vi.waitFor(() => expect(dispatcher.dispatched).toHaveLength(1));
  });

  it('can be asked about one batch, for example when its aggregate was heard to fail', async () => {
    const { addBatch, batches, reconciler, dispatcher, read } = await reconcilerFixture();
    const id = await addBatch({ 'a.txt': 'a' });
    expect(await batches.start(id)).toBeDefined();
    dispatcher.state = { state: 'failed', reason: 'boom' };
    await reconciler.examine(id);
    expect((await read(id)) satisfies Batch).toMatchObject({
      status: 'failed',
      reason: 'aggregate-batch failed: boom',
    });
    await reconciler.examine('unknown');
  });
});
