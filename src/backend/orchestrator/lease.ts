import type { Batches } from '../database/batches.js';
import type { Batch } from '../database/schema.js';

/** Thrown when somebody else has taken over the batch: whoever held the lease stops and changes nothing more. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';

  constructor(batchId: string, options?: ErrorOptions) {
    super(`Batch ${batchId} was taken over by another backend process`, options);
  }
}

/**
 * The right to prepare a batch that is `processing`: a fresh `updated_at`. It is renewed while the work goes on; when the
 * process dies, `updated_at` grows old and the reconciler of any backend takes the batch over by renewing it itself.
 * Every renewal changes the value that the next one must find, so only one holder gets anywhere.
 */
export class Lease {
  readonly #batches: Batches;
  readonly #durationMs: number;
  readonly #lost = new AbortController();
  #batch: Batch;
  #renewedAt = Date.now();
  #timer: NodeJS.Timeout | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  /**
   * @param batch - as {@link Batches.start}, `restart` or `touch` returned it a moment ago.
   * @param durationMs - age at which others may take the batch over. Renewed three times as often.
   */
  constructor(batches: Batches, batch: Batch, durationMs: number) {
    this.#batches = batches;
    this.#batch = batch;
    this.#durationMs = durationMs;
    this.#scheduleRenewal();
  }

  /** Aborted when the lease is lost. */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /**
   * Changes the batch under the lease; never at the same time as a renewal.
   *
   * @param change - gets the batch as last written and returns it as written now, or nothing when it was not ours.
   * @throws {@link LeaseLost}
   */
  async write(change: (held: Batch) => Promise<Batch | undefined>): Promise<void> {
    await this.#inTurn(async () => {
      this.#lost.signal.throwIfAborted();
      const written = await change(this.#batch);
      if (written === undefined) throw this.#lose();
      this.#batch = written;
      this.#renewedAt = Date.now();
    });
  }

  /** Ends the batch and the lease with it. @throws {@link LeaseLost} */
  async settle(status: 'failed' | 'rejected', reason: string): Promise<void> {
    await this.#inTurn(async () => {
      this.#lost.signal.throwIfAborted();
      if (!(await this.#batches.settle(this.#batch, status, reason))) throw this.#lose();
    });
    this.release();
  }

  /** Stops renewing. Call it however the work ended. */
  release(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #scheduleRenewal(): void {
    this.#timer = setTimeout(() => this.#renew(), this.#durationMs / 3);
    this.#timer.unref();
  }

  async #renew(): Promise<void> {
    try {
      await this.write((held) => this.#batches.touch(held));
    } catch (error) {
      // A database that is away for a moment is no reason to give up before the lease has run out.
      if (!(error instanceof LeaseLost) && Date.now() - this.#renewedAt >= this.#durationMs) this.#lose(error);
    }
    if (this.#timer !== undefined && !this.#lost.signal.aborted) this.#scheduleRenewal();
  }

  #lose(cause?: unknown): LeaseLost {
    const error = new LeaseLost(this.#batch.id, { cause });
    this.release();
    this.#lost.abort(error);
    return error;
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(act);
    this.#turn = result.catch(() => {});
    return result;
  }
}
