import type { Kysely } from 'kysely';

// The Python side reads and writes these tables through SQLAlchemy models of its own: a change here is a change there.

/** Creates the two tables. */
export async function up(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable('batches')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('filename', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('reason', 'text')
    .addColumn('run', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('storage_path', 'text', (column) => column.notNull())
    .addColumn('report', 'text')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .execute();
  // The reconciler asks for batches that are `processing`, every few seconds.
  await database.schema.createIndex('batches_status').on('batches').column('status').execute();
  await database.schema
    .createTable('documents')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('batch_id', 'text', (column) => column.notNull().references('batches.id'))
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('storage_path', 'text', (column) => column.notNull())
    .addColumn('bytes', 'bigint', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('media_type', 'text')
    .addColumn('reason', 'text')
    .addColumn('extracted', 'text')
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .execute();
  await database.schema.createIndex('documents_batch_id').on('documents').column('batch_id').execute();
}
