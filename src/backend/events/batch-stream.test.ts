import type { Readable } from 'node:stream';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Batch } from '../database/schema.js';
import { batchFixture } from '../testing/batches.js';
import { BatchStreams } from './batch-stream.js';

/** Events as a browser would see them. */
function read(stream: Readable) {
  const seen = { text: '', ended: false, events: [] as { event: string; data: unknown }[] };
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    seen.text += chunk;
    seen.events = [...seen.text.matchAll(/event: (.+)\ndata: (.+)\n\n/g)].map(([, event = '', data = '']) => ({
      event,
      data: JSON.parse(data),
    }));
  });
  stream.on('close', () => {
    seen.ended = true;
  });
  return seen;
}

async function streamFixture({ heartbeatMs = 60_000, pollMs = 60_000 } = {}) {
  const fixture = await batchFixture();
  const streams = new BatchStreams({ ...fixture, heartbeatMs, pollMs });
  onTestFinished(() => streams.close());
  const id = await fixture.addBatch({ 'a.txt': 'a' });
  const setStatus = (status: Batch['status'], reason: string | null = null) =>
    fixture.database.updateTable('batches').set({ status, reason, run: 1 }).where('id', '=', id).execute();
  const open = async () => streams.open(await fixture.read(id));
  return { ...fixture, streams, id, setStatus, open };
}

describe('the stream of a batch', () => {
  it('begins with the present state and ends with the last one', async () => {
    const { open, setStatus, events, id, streams } = await streamFixture();
    const seen = read(await open());
    await setStatus('processing');
    events.publish(id, { type: 'changed' });
    await vi.waitFor(() => expect(seen.events).toHaveLength(2));
    await setStatus('failed', 'No files to process');
    events.publish(id, { type: 'changed' });
    await vi.waitFor(() => expect(seen.ended).toBe(true));
    const last = { id, status: 'failed', reason: 'No files to process', run: 1 };
    expect(seen.events).toEqual([
      { event: 'status', data: { id, status: 'queued', reason: null, run: 0 } },
      { event: 'status', data: { id, status: 'processing', reason: null, run: 1 } },
      { event: 'status', data: last },
      { event: 'finished', data: last },
    ]);
    expect([streams.size, events.size]).toEqual([0, 0]);
  });

  it('ends at once when the batch has finished before', async () => {
    const { open, setStatus } = await streamFixture();
    await setStatus('completed');
    const seen = read(await open());
    await vi.waitFor(() => expect(seen.ended).toBe(true));
    expect(seen.events.map(({ event }) => event)).toEqual(['status', 'finished']);
  });

  it('tells what happens to single jobs', async () => {
    const { open, events, id } = await streamFixture();
    const seen = read(await open());
    const subject = { job: 'process-file', doc_id: 'd1' } as const;
    events.publish(id, { type: 'progress', data: { ...subject, progress: 'line\nbreak' } });
    events.publish(id, { type: 'completed', data: { ...subject, result: { bytes: 1 } } });
    events.publish(id, { type: 'failed', data: { ...subject, reason: 'is encrypted' } });
    events.publish('another batch', { type: 'failed', data: { ...subject, reason: 'not ours' } });
    await vi.waitFor(() => expect(seen.events).toHaveLength(4));
    expect(seen.events.slice(1)).toEqual([
      { event: 'progress', data: { ...subject, progress: 'line\nbreak' } },
      { event: 'completed', data: { ...subject, result: { bytes: 1 } } },
      { event: 'failed', data: { ...subject, reason: 'is encrypted' } },
    ]);
  });

  it('reads the row when the aggregate has ended', async () => {
    const { open, events, id, setStatus } = await streamFixture();
    const seen = read(await open());
    await setStatus('completed_with_errors');
    events.publish(id, { type: 'completed', data: { job: 'aggregate-batch', result: {} } });
    await vi.waitFor(() => expect(seen.events.at(-1)).toMatchObject({ event: 'finished' }));
  });

  it('notices by itself a change that no event tells of', async () => {
    const { open, setStatus } = await streamFixture({ pollMs: 5 });
    const seen = read(await open());
    await setStatus('completed');
    await vi.waitFor(() => expect(seen.events.at(-1)).toMatchObject({ event: 'finished' }));
    expect(seen.events).toHaveLength(3);
  });

  it('sends a comment now and then', async () => {
    const { open } = await streamFixture({ heartbeatMs: 5 });
    const seen = read(await open());
    await vi.waitFor(() => expect(seen.text).toMatch(/(^|\n\n):\n\n/));
  });

  it('goes on after the database was away for a moment', async () => {
    const { open, setStatus, batches } = await streamFixture({ pollMs: 5 });
    const seen = read(await open());
    const find = vi.spyOn(batches, 'find').mockRejectedValue(new Error('connection lost'));
    await vi.waitFor(() => expect(find.mock.calls.length).toBeGreaterThan(2));
    find.mockRestore();
    await setStatus('completed');
    await vi.waitFor(() => expect(seen.ended).toBe(true));
  });

  it('leaves nothing behind when the reader goes away', async () => {
    const { open, events, id, streams, batches } = await streamFixture({ heartbeatMs: 1, pollMs: 1 });
    const readers = await Promise.all(Array.from({ length: 20 }, open));
    expect([streams.size, events.size]).toEqual([20, 20]);
    const timers = process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
    for (const reader of readers) reader.destroy();
    await vi.waitFor(() => expect([streams.size, events.size]).toEqual([0, 0]));
    const left = process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
    expect(timers - left).toBeGreaterThanOrEqual(40);
    const find = vi.spyOn(batches, 'find');
    events.publish(id, { type: 'changed' });
    expect(find).not.toHaveBeenCalled();
  });

  it('cuts off a reader who does not read', async () => {
    const { open, events, id, streams } = await streamFixture();
    await open();
    const progress = 'x'.repeat(100_000);
    for (let count = 0; count < 20; count += 1) {
      events.publish(id, { type: 'progress', data: { job: 'process-file', doc_id: 'd1', progress } });
    }
    await vi.waitFor(() => expect(streams.size).toBe(0));
  });

  it('ends when the server stops', async () => {
    const { open, streams } = await streamFixture();
    const seen = read(await open());
    streams.close();
    await vi.waitFor(() => expect(seen.ended).toBe(true));
  });
});
