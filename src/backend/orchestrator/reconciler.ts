import type { Batches } from '../database/batches.js';
import type { Batch } from '../database/schema.js';
import type { Dispatcher } from '../dispatch/dispatcher.js';
import type { BatchEvents } from '../events/batch-events.js';
import type { Log } from '../log.js';
import type { Orchestrator } from './orchestrator.js';

/** What a {@link Reconciler} works with. */
export interface ReconcilerOptions {
  readonly batches: Batches;
  readonly dispatcher: Dispatcher;
  readonly orchestrator: Orchestrator;
  readonly events: BatchEvents;
  readonly log: Log;
  /** Time between two passes; default 5 s. */
  readonly intervalMs?: number;
}

/** Reason of a batch whose aggregate has run without leaving a trace in our database. */
export const ranElsewhere =
  'aggregate-batch has completed, but not in this database: give the workers the same DATABASE_URL as the backend';

/**
 * Compares the batches that are `processing` with the work that was handed over, at start and on a timer:
 *
 * - nobody knows of the work, because its backend died before handing it over, or Redis lost it: go on with it;
 * - its aggregate has failed for good: the batch is `failed`, with the reason;
 * - it is underway: nothing to do.
 *
 * Any number of backends may do this at the same time: a batch is taken over only when its lease has run out, and only by
 * one of them.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #intervalMs: number;
  #timer: NodeJS.Timeout | undefined;
  #pass: Promise<void> = Promise.resolve();
  #stopped = false;
  #lastProblem: string | undefined;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#intervalMs = options.intervalMs ?? 5_000;
  }

  /** Begins with a pass at once. */
  start(): void {
    this.#pass = this.pass().finally(() => {
      if (this.#stopped) return;
      this.#timer = setTimeout(() => this.start(), this.#intervalMs);
      this.#timer.unref();
    });
  }

  /** No further pass; resolves when the current one is over. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#pass;
  }

  /** Looks at everything once. Never throws: what could not be done now is done in a later pass. */
  async pass(): Promise<void> {
    try {
      for (const batch of await this.#options.batches.inProcess()) {
        if (this.#stopped) return;
        await this.#examine(batch);
      }
      this.#lastProblem = undefined;
    } catch (error) {
      this.#report(error);
    }
  }

  /** Looks at one batch, for whoever has heard that its work is over. */
  async examine(batchId: string): Promise<void> {
    try {
      const batch = await this.#options.batches.find(batchId);
      if (batch?.status === 'processing') await this.#examine(batch);
    } catch (error) {
      this.#report(error);
    }
  }

  async #examine(batch: Batch): Promise<void> {
    const { batches, dispatcher, orchestrator } = this.#options;
    if (orchestrator.isWorkingOn(batch.id)) return;
    const work = await dispatcher.stateOf({ batchId: batch.id, run: batch.run });
    if (work.state === 'underway') return;
    if (work.state === 'failed') return this.#fail(batch, `aggregate-batch failed: ${work.reason}`);
    // The aggregate writes the row before its job completes, and jobs are removed only after that. So a row read after
    // the job was looked for is up to date: still `processing` and the same run means what it says.
    const current = await batches.find(batch.id);
    if (current?.status !== 'processing' || current.run !== batch.run) return;
    if (work.state === 'completed') return this.#fail(current, ranElsewhere);
    if (Date.now() - current.updated_at < orchestrator.leaseMs) return;
    await this.#takeOver(current);
  }

  async #takeOver(batch: Batch): Promise<void> {
    const { batches, orchestrator, log } = this.#options;
    const held = await batches.touch(batch);
    if (held === undefined) return;
    log.warn({ batchId: batch.id, run: batch.run }, 'batch was abandoned; going on with it');
    orchestrator.resume(held);
  }

  async #fail(batch: Batch, reason: string): Promise<void> {
    const { batches, events, log } = this.#options;
    if (!(await batches.settle(batch, 'failed', reason))) return;
    log.warn({ batchId: batch.id, run: batch.run, reason }, 'batch failed');
    events.publish(batch.id, { type: 'changed' });
  }

  /** A database or Redis that is down is reported once, not every few seconds. */
  #report(error: unknown): void {
    const problem = error instanceof Error ? error.message : String(error);
    if (problem === this.#lastProblem) return;
    this.#lastProblem = problem;
    this.#options.log.error({ err: error }, 'batches cannot be reconciled now; trying again');
  }
}
