import { describe, expect, it } from 'vitest';
import { WorkFailed } from '../dispatch/dispatcher.js';
import { type BatchEvent, BatchEvents } from '../events/batch-events.js';
import { deferred } from '../testing/deferred.js';
import { aggregateResult, fileResult, startHttpWorker, type WorkerBehaviour } from '../testing/http-worker.js';
import { DirectDispatcher } from './dispatcher.js';
import { HttpWorker } from './http-worker.js';

const good: WorkerBehaviour = ({ body }) =>
  body.doc_id === undefined ? [200, aggregateResult('b1')] : [200, fileResult(body.doc_id)];

async function directTo(behaviour: WorkerBehaviour, { concurrency = 2 } = {}) {
  const worker = await startHttpWorker(behaviour);
  const events = new BatchEvents();
  const seen: BatchEvent[] = [];
  events.subscribe('b1', (event) => seen.push(event));
  const dispatcher = new DirectDispatcher({
    worker: new HttpWorker(worker.url),
    concurrency,
    events,
    retryDelayMs: 1,
  });
  const dispatch = (docIds: string[], signal = new AbortController().signal) =>
    dispatcher.dispatch({ batchId: 'b1', run: 1, docIds }, signal);
  return { ...worker, dispatcher, dispatch, seen };
}

describe('DirectDispatcher', () => {
  it('has every document processed and then, once, the aggregate', async () => {
    const { dispatch, calls, seen } = await directTo(good);
    await dispatch(['d1', 'd2', 'd3']);
    expect(calls.slice(0, 3).map(({ body }) => body.doc_id)).toEqual(['d1', 'd2', 'd3']);
    expect(calls.slice(3).map(({ path, body }) => ({ path, body }))).toEqual([
      { path: '/aggregate-batch', body: { batch_id: 'b1', reasons: {} } },
    ]);
    expect(seen.map(({ type }) => type)).toEqual(['completed', 'completed', 'completed', 'completed']);
    expect(seen[0]).toMatchObject({ data: { job: 'process-file', doc_id: 'd1', result: fileResult('d1') } });
  });

  it('runs the aggregate alone when no document is left to process', async () => {
    const { dispatch, calls } = await directTo(good);
    await dispatch([]);
    expect(calls.map(({ path }) => path)).toEqual(['/aggregate-batch']);
  });

  it('has at most so many documents processed at the same time', async () => {
    // Nobody gets an answer before three have asked.
    const gate = deferred();
    const { dispatch, dispatcher } = await directTo(
      async (call) => {
        if (call.body.doc_id === 'd2') gate.resolve();
        await gate.promise;
        return good(call);
      },
      { concurrency: 3 },
    );
    const dispatched = dispatch(Array.from({ length: 12 }, (_, n) => `d${n}`));
    await gate.promise;
    expect(dispatcher.stats()).toEqual({ active: 3, waiting: 9 });
    await dispatched;
    expect(dispatcher.stats()).toEqual({ active: 0, waiting: 0 });
  });

  it.each([404, 422])('takes the answer %i for final and goes on with the others', async (status) => {
    const { dispatch, calls, seen } = await directTo((call) =>
      call.body.doc_id === 'bad' ? [status, { error: 'is encrypted' }] : good(call),
    );
    await dispatch(['bad', 'd2']);
    expect(calls.filter(({ body }) => body.doc_id === 'bad')).toHaveLength(1);
    expect(calls.at(-1)?.path).toBe('/aggregate-batch');
    expect(seen).toContainEqual({
      type: 'failed',
      data: { job: 'process-file', doc_id: 'bad', reason: 'is encrypted' },
    });
  });

  it.each<[string, [number, unknown] | 'hang up']>([
    ['an error inside the worker', [500, { error: 'boom' }]],
    ['a dropped connection', 'hang up'],
    ['an answer that is not JSON', [200, '<html>']],
  ])('tries again after %s, as often as the contract allows', async (_what, trouble) => {
    const { dispatch, calls, seen } = await directTo((call) =>
      call.body.doc_id === 'bad' && call.before < 2 ? trouble : good(call),
    );
    await dispatch(['bad']);
    expect(calls.filter(({ body }) => body.doc_id === 'bad')).toHaveLength(3);
    expect(seen.map(({ type }) => type)).toEqual(['completed', 'completed']);
  });

  it('gives a document up after the attempts of the contract', async () => {
    const { dispatch, calls, seen } = await directTo((call) =>
      call.body.doc_id === 'bad' ? [500, { error: 'boom' }] : good(call),
    );
    await dispatch(['bad']);
    expect(calls.filter(({ body }) => body.doc_id === 'bad')).toHaveLength(3);
    expect(seen[0]).toEqual({ type: 'failed', data: { job: 'process-file', doc_id: 'bad', reason: 'boom' } });
    expect(calls.at(-1)).toMatchObject({ path: '/aggregate-batch', body: { reasons: { bad: 'boom' } } });
  });

  it('refuses a result that breaks the contract, without asking again', async () => {
    const { dispatch, calls, seen } = await directTo((call) =>
      call.body.doc_id === 'bad' ? [200, { doc_id: 'bad', bytes: -1 }] : good(call),
    );
    await dispatch(['bad']);
    expect(calls.filter(({ body }) => body.doc_id === 'bad')).toHaveLength(1);
    expect(seen[0]).toMatchObject({ type: 'failed', data: { reason: expect.stringContaining('bytes') } });
  });

  it('fails the batch with the reason when the aggregate fails for good', async () => {
    const { dispatch, calls } = await directTo((call) =>
      call.path === '/aggregate-batch' ? [500, { error: 'disk full' }] : good(call),
    );
    await expect(dispatch(['d1'])).rejects.toThrow(new WorkFailed('aggregate-batch failed: disk full'));
    expect(calls.filter(({ path }) => path === '/aggregate-batch')).toHaveLength(2);
  });

  it('fails the batch at once when the worker takes its jobs from the queue', async () => {
    const { dispatch, calls } = await directTo(() => [409, { error: 'queue mode: set USE_QUEUE=false' }]);
    await expect(dispatch(['d1'])).rejects.toThrow(/refuses to process over HTTP: queue mode/);
    expect(calls).toHaveLength(1);
  });

  it('fails the batch when no worker answers, naming what happened', async () => {
    const { dispatch, stop } = await directTo(good);
    await stop();
    await expect(dispatch(['d1'])).rejects.toThrow(
      /aggregate-batch failed: the worker cannot be reached: .*ECONNREFUSED/,
    );
  });

  it('stops when it is told to, in the middle of a call', async () => {
    const stop = new AbortController();
    const { dispatch, calls } = await directTo(() => {
      stop.abort(new Error('stopping'));
      return new Promise(() => {});
    });
    await expect(dispatch(['d1', 'd2', 'd3'], stop.signal)).rejects.toThrow('stopping');
    expect(calls.every(({ path }) => path === '/process-file')).toBe(true);
  });
});
