import type { Migration } from 'kysely';
import * as batchesAndDocuments from './0001-batches-and-documents.js';

/**
 * Every migration by name. They run in the order of their names, each once. A migration that was released is never
 * changed; a new one follows it.
 */
export const migrations: Record<string, Migration> = {
  '0001-batches-and-documents': batchesAndDocuments,
};
