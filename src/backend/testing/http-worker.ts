import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** One call to the stand-in for `python -m workers.http_worker`. */
export interface WorkerCall {
  readonly path: string;
  readonly body: { readonly doc_id?: string; readonly batch_id?: string };
  /** How many calls with this body came before. */
  readonly before: number;
}

/** Gives status and body; throws away the connection for `'hang up'`. */
export type WorkerBehaviour = (
  call: WorkerCall,
) => Promise<[number, unknown] | 'hang up'> | [number, unknown] | 'hang up';

/** A server that answers as the test says; stopped when the test has finished. */
export async function startHttpWorker(behaviour: WorkerBehaviour) {
  const calls: WorkerCall[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', async () => {
      const before = calls.filter((call) => JSON.stringify(call.body) === text).length;
      const call = { path: request.url ?? '', body: JSON.parse(text), before };
      calls.push(call);
      answer(response, await behaviour(call));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  onTestFinished(stop);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, calls, stop };
}

function answer(response: ServerResponse, outcome: [number, unknown] | 'hang up'): void {
  if (outcome === 'hang up') {
    response.destroy();
    return;
  }
  const [status, body] = outcome;
  response
    .writeHead(status, { 'content-type': 'application/json' })
    .end(typeof body === 'string' ? body : JSON.stringify(body));
}

/** A result of `process-file` as the contract wants it. */
export function fileResult(docId: string): object {
  return { doc_id: docId, media_type: 'text/plain', bytes: 1, characters: 1, pages: null, sha256: '0'.repeat(64) };
}

/** A result of `aggregate-batch` as the contract wants it. */
export function aggregateResult(batchId: string): object {
  return { batch_id: batchId, status: 'completed', files: 1, completed: 1, failed: 0 };
}
