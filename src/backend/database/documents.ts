import { touch } from './batches.js';
import type { BackendDatabase } from './open.js';
import type { Batch, BatchDocument, NewDocument } from './schema.js';

// SQLite takes at most 32,766 parameters in one statement.
const rowsPerInsert = 1_000;

/** A file that was taken out of a batch's archive. */
export interface StoredFile {
  readonly docId: string;
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
}

/** A document without the text that was extracted from it, which may be long. */
export type DocumentSummary = Omit<BatchDocument, 'extracted'>;

/** The rows of `documents`. Node creates them, Python fills them in. */
export class Documents {
  readonly #database: BackendDatabase;

  constructor(database: BackendDatabase) {
    this.#database = database;
  }

  /**
   * Records the files of a batch, in the place of any recorded before, in one transaction with a renewal of its lease.
   *
   * @param seen - the batch as last read by whoever holds its lease.
   * @returns the batch with its renewed lease, or nothing when someone else has it by now; then nothing was written.
   */
  replace(seen: Batch, files: readonly StoredFile[]): Promise<Batch | undefined> {
    return this.#database.transaction().execute(async (transaction) => {
      const held = await touch(transaction, seen);
      if (held === undefined) return undefined;
      await transaction.deleteFrom('documents').where('batch_id', '=', seen.id).execute();
      const rows = files.map((file) => newDocument(seen.id, file, held.updated_at));
      for (let first = 0; first < rows.length; first += rowsPerInsert) {
        await transaction
          .insertInto('documents')
          .values(rows.slice(first, first + rowsPerInsert))
          .execute();
      }
      return held;
    });
  }

  ofBatch(batchId: string): Promise<DocumentSummary[]> {
    return this.#database
      .selectFrom('documents')
      .select(['id', 'batch_id', 'name', 'storage_path', 'bytes', 'status', 'media_type', 'reason', 'updated_at'])
      .where('batch_id', '=', batchId)
      .orderBy('name')
      .execute();
  }

  find(id: string): Promise<BatchDocument | undefined> {
    return this.#database.selectFrom('documents').selectAll().where('id', '=', id).executeTakeFirst();
  }
}

function newDocument(batchId: string, file: StoredFile, now: number): NewDocument {
  return {
    id: file.docId,
    batch_id: batchId,
    name: file.name,
    storage_path: file.path,
    bytes: file.bytes,
    status: 'pending',
    media_type: null,
    reason: null,
    extracted: null,
    updated_at: now,
  };
}
