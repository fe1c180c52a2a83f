import { readFileSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import { BatchStreams } from '../events/batch-stream.js';
import { Orchestrator } from '../orchestrator/orchestrator.js';
import { buildServer, type ServerOptions } from '../server.js';
import { batchFixture, RecordingDispatcher } from './batches.js';

/** An answer, read to its end. */
export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it with matchers
  readonly body: any;
}

/** Posts a file as a browser's form does. */
export async function upload(baseUrl: string, path: string, filename = 'upload.zip'): Promise<Answer> {
  const form = new FormData();
  form.append('note', 'a field before the file');
  form.append('file', new Blob([readFileSync(path)]), filename);
  return call(baseUrl, 'POST', '/api/batches', form);
}

/** Calls the API and reads the answer. */
export async function call(
  baseUrl: string,
  method: 'GET' | 'POST',
  path: string,
  body?: FormData | string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(baseUrl + path, { method, headers, ...(body === undefined ? {} : { body }) });
  return { status: response.status, body: await response.json() };
}

/** The HTTP API on a free port, over a real database and storage, with a dispatcher that only writes down. */
export async function apiFixture(options: Partial<ServerOptions> = {}) {
  const fixture = await batchFixture();
  const dispatcher = new RecordingDispatcher();
  const orchestrator = new Orchestrator({ ...fixture, dispatcher });
  const streams = new BatchStreams(fixture);
  const server = await buildServer({
    ...fixture,
    orchestrator,
    streams,
    maxUploadBytes: 1024 * 1024,
    mode: 'queue',
    checks: {},
    readStats: async () => ({}),
    ...options,
  });
  const baseUrl = await server.listen({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => server.close());
  return { ...fixture, dispatcher, orchestrator, streams, server, baseUrl };
}
