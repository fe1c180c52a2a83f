import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

/** An answer of the HTTP worker. */
export interface WorkerAnswer {
  readonly status: number;
  /** The parsed JSON body. */
  readonly body: unknown;
}

const largestAnswerBytes = 1024 * 1024;

/** Calls `python -m workers.http_worker`. */
export class HttpWorker {
  readonly #url: string;

  /** @param url - address without a trailing slash. */
  constructor(url: string) {
    this.#url = url;
  }

  /**
   * Posts JSON and waits for the answer, however long the document takes. Not `fetch`: it gives up after five minutes
   * without headers, and a synchronous worker sends its headers when it has finished.
   *
   * @throws the connection's error, or one about an answer that is not the worker's.
   */
  post(path: string, content: unknown, signal: AbortSignal): Promise<WorkerAnswer> {
    const body = Buffer.from(JSON.stringify(content));
    const url = new URL(this.#url + path);
    const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': body.length };
      const call = request(url, { method: 'POST', headers, signal, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          chunks.push(chunk);
          if (bytes > largestAnswerBytes) response.destroy(new Error(`${url} answered with more than it should`));
        });
        response.on('error', reject);
        response.on('end', () => {
          try {
            resolve({ status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString()) });
          } catch (error) {
            reject(new Error(`${url} did not answer with JSON (status ${response.statusCode})`, { cause: error }));
          }
        });
      });
      call.on('error', reject);
      call.end(body);
    });
  }

  /** Asks whether the worker is there and processes over HTTP. Rejects otherwise. */
  async ping(): Promise<void> {
    const response = await fetch(`${this.#url}/healthz`, { signal: AbortSignal.timeout(2_000) });
    const { mode } = (await response.json()) as { mode?: unknown };
    if (mode !== 'http')
      throw new Error(`the worker at ${this.#url} does not process over HTTP: USE_QUEUE=false is missing`);
  }
}
