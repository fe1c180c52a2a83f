import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDialect,
  SqliteDriver,
} from 'kysely';
import Database from 'libsql';

/** How long a statement waits for another process to finish its write transaction. */
export const busyTimeoutMs = 15_000;

/**
 * Kysely's dialect for a SQLite file that Python writes to at the same time.
 *
 * The driver is libsql: the interface of better-sqlite3, with its binary inside the npm package. It is synchronous, so
 * while this process waits for another one's transaction nothing else happens here: transactions are short on both
 * sides, and no one holds one while a document is extracted.
 */
export function sqliteDialect(path: string): Dialect {
  const database = () => openFile(path);
  const plain = new SqliteDialect({ database });
  return {
    createAdapter: () => new TransactionalAdapter(),
    createDriver: () => new ImmediateDriver({ database }),
    createIntrospector: (db) => plain.createIntrospector(db),
    createQueryCompiler: () => plain.createQueryCompiler(),
  };
}

// The whole migration is one transaction that holds the write lock from its beginning, so it needs no lock of its own.
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

// A plain BEGIN takes the write lock at its first write. When someone else wrote since its first read, SQLite answers
// "database is locked" at once, whatever the busy timeout. Taking the lock at the start waits for its turn instead.
class ImmediateDriver extends SqliteDriver {
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }
}

async function openFile(path: string): Promise<SqliteDatabase> {
  mkdirSync(dirname(path), { recursive: true });
  const file = new Database(path, { timeout: busyTimeoutMs });
  await useWriteAheadLog(file);
  // With the log, a power cut may lose the newest commits but never damages the file; FULL would sync on every commit.
  file.pragma('synchronous = NORMAL');
  file.pragma('foreign_keys = ON');
  return file as unknown as SqliteDatabase;
}

// The switch needs the file for itself and does not wait for it: two processes that create the file together collide.
async function useWriteAheadLog(file: Database.Database): Promise<void> {
  const deadline = Date.now() + busyTimeoutMs;
  while (true) {
    try {
      file.pragma('journal_mode = WAL');
      return;
    } catch (error) {
      if (!isBusy(error) || Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY');
}
