import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { apiFixture, call, upload } from '../testing/api.js';
import { writeZip } from '../testing/archives.js';

async function uploaded(files: Record<string, string> = { 'a.txt': 'one', 'b.txt': 'two' }) {
  const fixture = await apiFixture();
  const { body } = await upload(fixture.baseUrl, await writeZip(join(fixture.folder, 'a.zip'), files));
  const id: string = body.id;
  const process = () => call(fixture.baseUrl, 'POST', `/api/batches/${id}/process`);
  const get = (path = '') => call(fixture.baseUrl, 'GET', `/api/batches/${id}${path}`);
  return { ...fixture, id, process, get };
}

describe('POST /api/batches/:id/process', () => {
  it('answers at once and has the batch dispatched', async () => {
    const { id, process, orchestrator, dispatcher } = await uploaded();
    expect(await process()).toEqual({ status: 202, body: { id, status: 'processing', run: 1 } });
    await orchestrator.idle();
    expect(dispatcher.dispatched).toMatchObject([
      { batchId: id, run: 1, docIds: [expect.any(String), expect.any(String)] },
    ]);
  });

  it('starts a batch once when it is asked many times at the same moment', async () => {
    const { id, process, orchestrator, dispatcher } = await uploaded();
    const answers = await Promise.all([process(), process(), process(), process()]);
    await orchestrator.idle();
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 409, 409, 409]);
    expect(answers.find(({ status }) => status === 409)?.body).toEqual({
      error: `Batch ${id} is being processed already`,
    });
    expect(dispatcher.dispatched).toHaveLength(1);
  });

  it('refuses a batch that has been processed', async () => {
    const { id, process, database } = await uploaded();
    await database.updateTable('batches').set({ status: 'completed' }).execute();
    expect(await process()).toEqual({
      status: 409,
      body: { error: `Batch ${id} has been processed already: it is completed` },
    });
  });

  it('refuses a batch that was rejected, with the reason', async () => {
    const { id, process, database } = await uploaded();
    await database.updateTable('batches').set({ status: 'rejected', reason: 'Not a ZIP file' }).execute();
    expect(await process()).toEqual({ status: 409, body: { error: `Batch ${id} was rejected: Not a ZIP file` } });
  });

  it('does not know a batch that is not there', async () => {
    const { baseUrl } = await apiFixture();
    expect(await call(baseUrl, 'POST', '/api/batches/nobody/process')).toEqual({
      status: 404,
      body: { error: 'There is no batch nobody' },
    });
  });

  it('fails a batch of junk: no files to process', async () => {
    const { process, get, orchestrator } = await uploaded({ '.DS_Store': 'x', '__MACOSX/._a': 'x' });
    expect((await process()).status).toBe(202);
    await orchestrator.idle();
    expect((await get()).body).toMatchObject({ status: 'failed', reason: 'No files to process', files: [] });
  });
});

describe('GET /api/batches/:id', () => {
  it('shows the batch, its files and its report', async () => {
    const { id, process, get, orchestrator, database } = await uploaded();
    await process();
    await orchestrator.idle();
    await database
      .updateTable('documents')
      .set({ status: 'failed', reason: 'is encrypted', media_type: 'text/plain', extracted: '{"text":"long"}' })
      .where('name', '=', 'b.txt')
      .execute();
    await database.updateTable('batches').set({ status: 'completed_with_errors', report: '{"files":2}' }).execute();
    const { status, body } = await get();
    expect(status).toBe(200);
    const times = { created_at: expect.any(Number), updated_at: expect.any(Number) };
    expect(body).toEqual({
      id,
      filename: 'upload.zip',
      status: 'completed_with_errors',
      reason: null,
      run: 1,
      ...times,
      files: [
        {
          doc_id: expect.any(String),
          name: 'a.txt',
          bytes: 3,
          status: 'pending',
          media_type: null,
          reason: null,
          updated_at: expect.any(Number),
        },
        {
          doc_id: expect.any(String),
          name: 'b.txt',
          bytes: 3,
          status: 'failed',
          media_type: 'text/plain',
          reason: 'is encrypted',
          updated_at: expect.any(Number),
        },
      ],
      report: { files: 2 },
    });
    const file = await get(`/files/${body.files[1].doc_id}`);
    expect(file.body).toEqual({ ...body.files[1], extracted: { text: 'long' } });
  });

  it('does not know what is not there', async () => {
    const { baseUrl, id, get } = await uploaded();
    expect((await call(baseUrl, 'GET', '/api/batches/nobody')).status).toBe(404);
    expect(await get('/files/nobody')).toEqual({
      status: 404,
      body: { error: `There is no file nobody in batch ${id}` },
    });
    expect(await call(baseUrl, 'GET', '/nowhere?token=secret')).toEqual({
      status: 404,
      body: { error: 'There is no GET /nowhere' },
    });
  });

  it('keeps the details of its own errors to itself', async () => {
    const { get, batches } = await uploaded();
    vi.spyOn(batches, 'find').mockRejectedValue(new Error('password authentication failed for user "app"'));
    expect(await get()).toEqual({ status: 500, body: { error: 'Internal error; the log has the details' } });
  });
});

describe('GET /api/batches/:id/events', () => {
  it('streams until the batch has finished', async () => {
    const { baseUrl, id, database, events } = await uploaded();
    const response = await fetch(`${baseUrl}/api/batches/${id}/events`);
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    await database.updateTable('batches').set({ status: 'completed' }).execute();
    events.publish(id, { type: 'changed' });
    const text = await response.text();
    expect(text.match(/^event: .*$/gm)).toEqual(['event: status', 'event: status', 'event: finished']);
  });

  it('survives clients that go away, and keeps nothing of them', async () => {
    const { baseUrl, id, streams, events, get } = await uploaded();
    const sockets = Array.from({ length: 10 }, () => {
      const socket = connect(Number(new URL(baseUrl).port), '127.0.0.1');
      socket.write(`GET /api/batches/${id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      return socket;
    });
    await vi.waitFor(() => expect(streams.size).toBe(10));
    for (const socket of sockets) socket.resetAndDestroy();
    await vi.waitFor(() => expect([streams.size, events.size]).toEqual([0, 0]));
    expect((await get()).status).toBe(200);
  });

  it('does not keep the server from stopping', async () => {
    const { baseUrl, id, server } = await uploaded();
    const response = await fetch(`${baseUrl}/api/batches/${id}/events`);
    await server.close();
    expect(await response.text()).toMatch(/^event: status/);
  });

  it('does not know a batch that is not there', async () => {
    const { baseUrl } = await apiFixture();
    expect((await call(baseUrl, 'GET', '/api/batches/nobody/events')).status).toBe(404);
  });
});
