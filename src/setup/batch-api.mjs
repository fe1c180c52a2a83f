import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { EventSourceParserStream } from 'eventsource-parser/stream';

/**
 * @typedef {object} BatchFile
 * @property {string} doc_id
 * @property {string} name
 * @property {'pending' | 'completed' | 'failed'} status
 * @property {string | null} reason
 */

/**
 * @typedef {object} ReportedDocument
 * @property {string} name
 * @property {string} status
 * @property {string} [reason]
 * @property {number} bytes
 * @property {number | null} characters
 * @property {number | null} pages
 * @property {number | null} sheets
 */

/**
 * @typedef {object} BatchReport
 * @property {ReportedDocument[]} documents
 * @property {Record<string, number>} totals
 * @property {{
 *   dates: { first: string | null, last: string | null },
 *   amounts: Record<string, { count: number, sum: string }>,
 *   emails: Array<{ email: string }>,
 * }} fields
 */

/**
 * What `GET /api/batches/:id` answers.
 *
 * @typedef {object} Batch
 * @property {string} id
 * @property {string} status
 * @property {string | null} reason
 * @property {BatchFile[]} files
 * @property {BatchReport | null} report
 */

/** The backend's HTTP API, as a client of any kind uses it. */
export class BatchApi {
  /** @param {string} url for example http://127.0.0.1:3001 */
  constructor(url) {
    this.url = url;
  }

  /**
   * Uploads a ZIP file.
   *
   * @param {string} path
   * @returns {Promise<{ id: string, status: string }>}
   */
  async upload(path) {
    const form = new FormData();
    form.append('file', new Blob([await readFile(path)], { type: 'application/zip' }), basename(path));
    return this.#ask('/api/batches', { method: 'POST', body: form });
  }

  /** @param {string} id @returns {Promise<{ run: number }>} */
  process(id) {
    return this.#ask(`/api/batches/${id}/process`, { method: 'POST' });
  }

  /** @param {string} id @returns {Promise<Batch>} */
  read(id) {
    return this.#ask(`/api/batches/${id}`);
  }

  /** @returns {Promise<Record<string, unknown>>} */
  stats() {
    return this.#ask('/api/queue/stats');
  }

  /**
   * Yields whenever something has happened to a batch, until it is finished.
   *
   * @param {string} id
   */
  async *changes(id) {
    const response = await fetch(`${this.url}/api/batches/${id}/events`);
    if (!response.ok || !response.body) throw new Error(`${response.url} answered ${response.status}`);
    const events = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
    for await (const { event } of events) {
      yield event;
      if (event === 'finished') return;
    }
  }

  /**
   * @param {string} path
   * @param {RequestInit} [request]
   * @returns {Promise<any>}
   */
  async #ask(path, request) {
    const response = await fetch(this.url + path, request);
    const text = await response.text();
    if (!response.ok) throw new Error(`${request?.method ?? 'GET'} ${path} answered ${response.status}: ${text}`);
    return JSON.parse(text);
  }
}
