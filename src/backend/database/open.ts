import { type Dialect, Kysely } from 'kysely';
import { migrate } from './migrate.js';
import { postgresDialect } from './postgres.js';
import type { Schema } from './schema.js';
import { sqliteDialect } from './sqlite.js';

export type BackendDatabase = Kysely<Schema>;

/**
 * Opens the database and brings its tables up to date.
 *
 * @param url - `sqlite:///<absolute path>` or `postgresql://…`, as config.ts checked it.
 * @throws MigrationError
 */
export async function openDatabase(url: string): Promise<BackendDatabase> {
  const database = new Kysely<Schema>({ dialect: dialectFor(url) });
  try {
    await migrate(database);
    return database;
  } catch (error) {
    await database.destroy();
    throw error;
  }
}

function dialectFor(url: string): Dialect {
  if (url.startsWith('sqlite:///')) return sqliteDialect(url.slice('sqlite:///'.length));
  return postgresDialect(url);
}
