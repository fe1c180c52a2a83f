import { randomUUID } from 'node:crypto';
import { type ExtractedFile, extractArchive } from '../archive/extract.js';
import type { ArchiveLimits } from '../archive/limits.js';
import { ArchiveRefused } from '../archive/refusal.js';
import type { Batches } from '../database/batches.js';
import type { Documents } from '../database/documents.js';
import type { Batch } from '../database/schema.js';
import { type Dispatcher, WorkFailed } from '../dispatch/dispatcher.js';
import { Slots } from '../dispatch/slots.js';
import type { BatchEvents } from '../events/batch-events.js';
import type { Log } from '../log.js';
import type { Storage } from '../storage.js';
import { Lease, LeaseLost } from './lease.js';

/** Reason of a batch whose archive held nothing to process. */
export const noFiles = 'No files to process';

/** Called between two steps. For tests that let the process die, or wait, exactly there. */
export interface Checkpoints {
  /** The batch is `processing`, nothing has been extracted. */
  started?(batch: Batch): Promise<void>;
  /** The files are on disk, nothing about them is in the database. */
  extracted?(batch: Batch): Promise<void>;
  /** The documents are in the database, nothing has been dispatched. */
  recorded?(batch: Batch): Promise<void>;
}

/** What an {@link Orchestrator} works with. */
export interface OrchestratorOptions {
  readonly batches: Batches;
  readonly documents: Documents;
  readonly storage: Storage;
  readonly archiveLimits: ArchiveLimits;
  readonly dispatcher: Dispatcher;
  readonly events: BatchEvents;
  readonly log: Log;
  /** Age at which a batch that nobody works on is taken over; default 10 s. */
  readonly leaseMs?: number;
  readonly checkpoints?: Checkpoints;
}

/** How {@link Orchestrator.start} answered. */
export type StartAnswer = { readonly started: true; readonly run: number } | { readonly started: false };

const defaultLeaseMs = 10_000;
const extractionsAtOnce = 2;

/**
 * Takes a batch from its archive to work that is handed over:
 *
 * 1. `queued` becomes `processing`, by whoever asks first;
 * 2. the archive is extracted, and refused if it lies;
 * 3. the documents are recorded;
 * 4. the dispatcher gets them: one flow in the queue, or calls to the HTTP worker.
 *
 * The process may die between any two steps. The row tells how far it came, and the reconciler calls
 * {@link Orchestrator.resume}, which goes on from there.
 */
export class Orchestrator {
  readonly #options: OrchestratorOptions;
  readonly #leaseMs: number;
  readonly #underway = new Map<string, Promise<void>>();
  readonly #extractions = new Slots(extractionsAtOnce);
  readonly #closing = new AbortController();

  constructor(options: OrchestratorOptions) {
    this.#options = options;
    this.#leaseMs = options.leaseMs ?? defaultLeaseMs;
  }

  /** Age at which a batch that is `processing` counts as abandoned, in milliseconds. */
  get leaseMs(): number {
    return this.#leaseMs;
  }

  /**
   * Begins to process a batch that is `queued`; goes on in the background. Of many calls for one batch, in any number of
   * processes, one starts it.
   */
  async start(batchId: string): Promise<StartAnswer> {
    const batch = await this.#options.batches.start(batchId);
    if (batch === undefined) return { started: false };
    this.resume(batch);
    return { started: true, run: batch.run };
  }

  /** Goes on, in the background, with a batch whose lease the caller has just got. */
  resume(batch: Batch): void {
    const work = this.#carryOut(batch).finally(() => this.#underway.delete(batch.id));
    this.#underway.set(batch.id, work);
  }

  /** Whether this process is working on a batch. */
  isWorkingOn(batchId: string): boolean {
    return this.#underway.has(batchId);
  }

  /** Resolves when nothing is underway in this process. */
  async idle(): Promise<void> {
    while (this.#underway.size > 0) await Promise.all(this.#underway.values());
  }

  /** Stops what is underway; the reconciler of the next process, or of another one, goes on with it. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('The backend is stopping'));
    await this.idle();
  }

  async #carryOut(batch: Batch): Promise<void> {
    const { batches, documents, dispatcher, events, log } = this.#options;
    const lease = new Lease(batches, batch, this.#leaseMs);
    const signal = AbortSignal.any([lease.signal, this.#closing.signal]);
    const fields = { batchId: batch.id, run: batch.run };
    events.publish(batch.id, { type: 'changed' });
    try {
      let recorded = await documents.ofBatch(batch.id);
      if (recorded.length === 0) {
        await this.#extractAndRecord(batch, lease, signal);
        recorded = await documents.ofBatch(batch.id);
      }
      const docIds = recorded.filter(({ status }) => status === 'pending').map(({ id }) => id);
      signal.throwIfAborted();
      await dispatcher.dispatch({ batchId: batch.id, run: batch.run, docIds }, signal);
      log.info({ ...fields, documents: docIds.length, mode: dispatcher.mode }, 'batch dispatched');
    } catch (error) {
      await this.#giveUp(batch, lease, error).catch((cause) => {
        log.error({ ...fields, err: cause }, 'batch could not be settled; the reconciler will try again');
      });
    } finally {
      lease.release();
      events.publish(batch.id, { type: 'changed' });
    }
  }

  async #extractAndRecord(batch: Batch, lease: Lease, signal: AbortSignal): Promise<void> {
    const { documents, storage, checkpoints } = this.#options;
    await checkpoints?.started?.(batch);
    const files = await this.#extractions.run(() => this.#extract(batch, signal), signal);
    await checkpoints?.extracted?.(batch);
    if (files.length === 0) throw new WorkFailed(noFiles);
    try {
      await lease.write((held) => documents.replace(held, files));
    } catch (error) {
      // After any other error the rows may be there all the same, and then the files have to be.
      if (error instanceof LeaseLost) await storage.removeFiles(files);
      throw error;
    }
    await checkpoints?.recorded?.(batch);
  }

  async #extract(batch: Batch, signal: AbortSignal): Promise<ExtractedFile[]> {
    const { storage, archiveLimits } = this.#options;
    await storage.removeExtractions(batch.storage_path);
    const folder = storage.extractionPath(batch.storage_path, randomUUID());
    return extractArchive(batch.storage_path, folder, archiveLimits, signal);
  }

  async #giveUp(batch: Batch, lease: Lease, error: unknown): Promise<void> {
    const { storage, log } = this.#options;
    const fields = { batchId: batch.id, run: batch.run };
    if (error instanceof LeaseLost || lease.signal.aborted) {
      log.warn(fields, 'batch was taken over by another backend process');
    } else if (this.#closing.signal.aborted) {
      log.info(fields, 'batch left to the reconciler: the backend is stopping');
    } else if (error instanceof ArchiveRefused) {
      await lease.settle('rejected', error.message);
      await storage.removeBatch(batch.storage_path);
      log.warn({ ...fields, reason: error.message }, 'batch rejected');
    } else if (error instanceof WorkFailed) {
      await lease.settle('failed', error.message);
      log.warn({ ...fields, reason: error.message }, 'batch failed');
    } else if (isStorageError(error)) {
      await lease.settle('failed', `The archive could not be extracted: ${error.code}`);
      log.error({ ...fields, err: error }, 'batch failed: storage');
    } else {
      log.error({ ...fields, err: error }, 'batch not dispatched; the reconciler will try again');
    }
  }
}

/** An error of the file system: trying again by itself would not help, and would fill the disk once more. */
function isStorageError(error: unknown): error is NodeJS.ErrnoException & { code: string } {
  if (!(error instanceof Error) || !('syscall' in error) || !('path' in error)) return false;
  return typeof (error as NodeJS.ErrnoException).code === 'string';
}
