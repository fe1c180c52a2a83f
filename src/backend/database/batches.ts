import type { BackendDatabase } from './open.js';
import type { Batch, BatchStatus } from './schema.js';

const finished: readonly BatchStatus[] = ['completed', 'completed_with_errors', 'failed', 'rejected'];
const rerunnable: readonly BatchStatus[] = ['completed', 'completed_with_errors', 'failed'];

/** True when nothing more happens to a batch by itself. */
export function isFinished(status: BatchStatus): boolean {
  return finished.includes(status);
}

/** What a new batch is made of. */
export interface NewBatch {
  readonly id: string;
  readonly filename: string;
  readonly storagePath: string;
  readonly status: 'queued' | 'rejected';
  readonly reason?: string;
}

/**
 * The rows of `batches`. Every change of state is one conditional UPDATE, so of two callers that want the same change at
 * the same time, in this process or another, exactly one gets it.
 */
export class Batches {
  readonly #database: BackendDatabase;

  constructor(database: BackendDatabase) {
    this.#database = database;
  }

  async insert(batch: NewBatch): Promise<void> {
    const now = Date.now();
    const { id, filename, storagePath, status, reason = null } = batch;
    await this.#database
      .insertInto('batches')
      .values({ id, filename, status, reason, run: 0, storage_path: storagePath, created_at: now, updated_at: now })
      .execute();
  }

  find(id: string): Promise<Batch | undefined> {
    return this.#database.selectFrom('batches').selectAll().where('id', '=', id).executeTakeFirst();
  }

  /** Everything that was started and is not finished, oldest first. */
  inProcess(): Promise<Batch[]> {
    return this.#database
      .selectFrom('batches')
      .selectAll()
      .where('status', '=', 'processing')
      .orderBy('updated_at')
      .execute();
  }

  /** `queued` becomes `processing`. @returns the batch, or nothing when it was not `queued`. */
  start(id: string): Promise<Batch | undefined> {
    return this.#beginRun(id, ['queued']);
  }

  /** A batch that was processed before becomes `processing` once more. @returns nothing when it is in no such state. */
  restart(id: string): Promise<Batch | undefined> {
    return this.#beginRun(id, rerunnable);
  }

  /**
   * Renews or takes over the lease on a batch that is `processing`.
   *
   * @param seen - the batch as last read; when its run or `updated_at` have changed since, the lease is someone else's.
   * @returns the batch with its new `updated_at`, or nothing.
   */
  touch(seen: Batch): Promise<Batch | undefined> {
    return touch(this.#database, seen);
  }

  /**
   * Ends a batch that is `processing`; documents that nobody processed become `failed`.
   *
   * @param seen - as for {@link touch}: no change when someone else has the batch by now.
   * @returns whether it was changed.
   */
  settle(seen: Batch, status: 'failed' | 'rejected', reason: string): Promise<boolean> {
    return this.#database.transaction().execute(async (transaction) => {
      const now = Date.now();
      const { numUpdatedRows } = await transaction
        .updateTable('batches')
        .set({ status, reason, updated_at: now })
        .where('id', '=', seen.id)
        .where('status', '=', 'processing')
        .where('run', '=', seen.run)
        .where('updated_at', '=', seen.updated_at)
        .executeTakeFirstOrThrow();
      if (numUpdatedRows === 0n) return false;
      await transaction
        .updateTable('documents')
        .set({ status: 'failed', reason: 'was not processed', updated_at: now })
        .where('batch_id', '=', seen.id)
        .where('status', '=', 'pending')
        .execute();
      return true;
    });
  }

  /** Answers when the database does. */
  async ping(): Promise<void> {
    await this.#database.selectFrom('batches').select('id').limit(1).execute();
  }

  #beginRun(id: string, from: readonly BatchStatus[]): Promise<Batch | undefined> {
    return this.#database
      .updateTable('batches')
      .set((row) => ({ status: 'processing' as const, reason: null, run: row('run', '+', 1), updated_at: Date.now() }))
      .where('id', '=', id)
      .where('status', 'in', from)
      .returningAll()
      .executeTakeFirst();
  }
}

/** {@link Batches.touch} inside a transaction. */
export async function touch(database: BackendDatabase, seen: Batch): Promise<Batch | undefined> {
  // Always a new value, even twice within a millisecond or after the clock went back: it tells the holders apart.
  const updatedAt = Math.max(Date.now(), seen.updated_at + 1);
  return database
    .updateTable('batches')
    .set({ updated_at: updatedAt })
    .where('id', '=', seen.id)
    .where('status', '=', 'processing')
    .where('run', '=', seen.run)
    .where('updated_at', '=', seen.updated_at)
    .returningAll()
    .executeTakeFirst();
}
