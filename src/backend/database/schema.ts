import type { Insertable, Selectable } from 'kysely';

/** Life of a batch. `queued` and `processing` are the states that something still has to happen in. */
export type BatchStatus = 'queued' | 'processing' | 'completed' | 'completed_with_errors' | 'failed' | 'rejected';

/** Life of one document of a batch. */
export type DocumentStatus = 'pending' | 'completed' | 'failed';

/** Times are milliseconds since 1970, UTC. */
export interface BatchesTable {
  id: string;
  /** As the client called it; for people to read. */
  filename: string;
  status: BatchStatus;
  /** Why the batch was rejected or failed. */
  reason: string | null;
  /** Counts how often work was handed out for this batch; part of the job ids. */
  run: number;
  /** Absolute path of the uploaded archive. */
  storage_path: string;
  /** JSON text, written by the aggregate. */
  report: string | null;
  created_at: number;
  /** Also the lease of whoever prepares a batch that is `processing`: see lease.ts. */
  updated_at: number;
}

export interface DocumentsTable {
  id: string;
  batch_id: string;
  /** Name inside the archive, normalised; for people to read. */
  name: string;
  /** Absolute path of the extracted file. */
  storage_path: string;
  bytes: number;
  status: DocumentStatus;
  media_type: string | null;
  /** Why the document failed. */
  reason: string | null;
  /** JSON text, written by the processor. */
  extracted: string | null;
  updated_at: number;
}

/** The tables that Node and Python share. Node owns them: see migrations/. */
export interface Schema {
  batches: BatchesTable;
  documents: DocumentsTable;
}

export type Batch = Selectable<BatchesTable>;
export type BatchDocument = Selectable<DocumentsTable>;
export type NewDocument = Insertable<DocumentsTable>;
