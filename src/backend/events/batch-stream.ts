import { PassThrough, type Readable } from 'node:stream';
import { type Batches, isFinished } from '../database/batches.js';
import type { Batch } from '../database/schema.js';
import type { BatchEvents } from './batch-events.js';

/** What a {@link BatchStreams} works with. */
export interface BatchStreamOptions {
  readonly batches: Batches;
  readonly events: BatchEvents;
  /** A comment this often keeps proxies from closing a quiet stream; default 15 s. */
  readonly heartbeatMs?: number;
  /** The row is read this often, for changes that no event tells of; default 1 s. */
  readonly pollMs?: number;
}

/** A reader that has fallen this far behind is cut off; it may connect again and gets the present state. */
const mostUnreadBytes = 1024 * 1024;

/**
 * Server-sent events of batches. Each stream begins with `status`, goes on with `progress`, `completed` and `failed` of
 * single jobs and a `status` at each change, and ends after `finished`.
 *
 * Events are a comfort, the row is the truth: whatever was missed, the last `status` and `finished` are right.
 */
export class BatchStreams {
  readonly #options: BatchStreamOptions;
  readonly #open = new Set<BatchStream>();

  constructor(options: BatchStreamOptions) {
    this.#options = options;
  }

  /** Streams that are open now. */
  get size(): number {
    return this.#open.size;
  }

  /** Opens a stream for a batch. It cleans up after itself however it ends, also when the client goes away. */
  open(batch: Batch): Readable {
    const stream = new BatchStream(batch, this.#options);
    this.#open.add(stream);
    stream.output.once('close', () => this.#open.delete(stream));
    return stream.output;
  }

  /** Ends every stream. */
  close(): void {
    for (const stream of this.#open) stream.end();
  }
}

class BatchStream {
  readonly output = new PassThrough();
  readonly #batches: Batches;
  readonly #batchId: string;
  #lastStatus: string | undefined;
  #reading = false;
  #readAgain = false;

  constructor(batch: Batch, options: BatchStreamOptions) {
    const { batches, events, heartbeatMs = 15_000, pollMs = 1_000 } = options;
    this.#batches = batches;
    this.#batchId = batch.id;
    const unsubscribe = events.subscribe(batch.id, (event) => {
      if (event.type !== 'changed') this.#send(event.type, event.data);
      // The aggregate's end is the batch's: the row is written before its job completes.
      if (event.type === 'changed' || event.data.job === 'aggregate-batch') this.#read();
    });
    const heartbeat = setInterval(() => this.#write(':\n\n'), heartbeatMs);
    const poll = setInterval(() => this.#read(), pollMs);
    this.output.once('close', () => {
      unsubscribe();
      clearInterval(heartbeat);
      clearInterval(poll);
    });
    // Writing to a client that has just left is no error of ours.
    this.output.on('error', () => {});
    this.#show(batch);
  }

  end(): void {
    this.output.end();
  }

  /** Reads the row; once more afterwards when it was asked to while it was reading. */
  async #read(): Promise<void> {
    this.#readAgain = true;
    if (this.#reading) return;
    this.#reading = true;
    while (this.#readAgain && !this.output.writableEnded && !this.output.destroyed) {
      this.#readAgain = false;
      try {
        const batch = await this.#batches.find(this.#batchId);
        if (batch !== undefined) this.#show(batch);
      } catch {
        // The database is away: the next poll asks again.
      }
    }
    this.#reading = false;
  }

  #show(batch: Batch): void {
    const { id, status, reason, run } = batch;
    const state = { id, status, reason, run };
    const text = JSON.stringify(state);
    if (text !== this.#lastStatus) this.#send('status', state);
    this.#lastStatus = text;
    if (!isFinished(status)) return;
    this.#send('finished', state);
    this.end();
  }

  #send(event: string, data: object): void {
    this.#write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  #write(text: string): void {
    if (this.output.writableEnded || this.output.destroyed) return;
    this.output.write(text);
    if (this.output.writableLength + this.output.readableLength > mostUnreadBytes) this.output.destroy();
  }
}
