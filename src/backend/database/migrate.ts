import { type Kysely, Migrator } from 'kysely';
import { migrations as allMigrations } from './migrations/index.js';

/** Thrown when the tables cannot be brought up to date. The cause is the database's own error. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

/**
 * Brings the tables up to date. Safe when several backends start at once: one migrates, the others wait for it and find
 * nothing left to do.
 *
 * @throws {@link MigrationError}
 */
export async function migrate<Tables>(database: Kysely<Tables>, migrations = allMigrations): Promise<void> {
  const migrator = new Migrator({ db: database, provider: { getMigrations: async () => migrations } });
  const { error, results } = await migrator.migrateToLatest();
  if (error === undefined) return;
  const failed = results?.find((result) => result.status === 'Error')?.migrationName;
  const said = error instanceof Error ? error.message : String(error);
  throw new MigrationError(`Database migration${failed ? ` ${failed}` : ''} failed: ${said}`, { cause: error });
}
