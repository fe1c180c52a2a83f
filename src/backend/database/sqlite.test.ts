import { once } from 'node:events';
import { join } from 'node:path';
import { execa } from 'execa';
import { sql } from 'kysely';
import Libsql from 'libsql';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../testing/folder.js';
import { runScript } from '../testing/processes.js';
import { Batches } from './batches.js';
import { MigrationError, migrate } from './migrate.js';
import { migrations } from './migrations/index.js';
import { type BackendDatabase, openDatabase } from './open.js';

async function openTemporary(path = join(temporaryFolder(), 'test.db')): Promise<BackendDatabase> {
  const database = await openDatabase(`sqlite:///${path}`);
  onTestFinished(() => database.destroy());
  return database;
}

async function pragma(database: BackendDatabase, name: string): Promise<unknown> {
  const { rows } = await sql<Record<string, unknown>>`pragma ${sql.raw(name)}`.execute(database);
  return Object.values(rows[0] ?? {})[0];
}

/** A worker that takes the write lock, says so, writes, and keeps the lock for a while. */
const slowWriter = `
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
connection.execute("CREATE TABLE IF NOT EXISTS written_by_python (id TEXT)")
print("locked", flush=True)
time.sleep(0.7)
connection.execute("COMMIT")
`;

/** Starts {@link slowWriter} and waits until it holds the lock. `finished` is for when it has let go. */
async function lockFromPython(path: string): Promise<{ finished: Promise<unknown> }> {
  const python = execa('python3', ['-c', slowWriter, path]);
  await once(python.stdout, 'data');
  return { finished: python };
}

describe('the SQLite database', () => {
  it('uses the write-ahead log and waits at least ten seconds for its turn', async () => {
    const database = await openTemporary();
    expect(await pragma(database, 'journal_mode')).toBe('wal');
    expect(await pragma(database, 'busy_timeout')).toBeGreaterThanOrEqual(10_000);
    expect(await pragma(database, 'foreign_keys')).toBe(1);
  });

  it('is migrated once when several backends start on a new file at the same moment', async () => {
    const path = join(temporaryFolder(), 'test.db');
    const ids = ['b1', 'b2', 'b3', 'b4'];
    const backends = ids.map((id) => runScript('migrate-once.ts', [`sqlite:///${path}`, id]));
    await Promise.all(backends.map((backend) => once(backend.stdout, 'data')));
    for (const backend of backends) backend.stdin.write('go\n');
    await Promise.all(backends);
    const database = await openTemporary(path);
    expect(await database.selectFrom('batches').select('id').orderBy('id').execute()).toEqual(
      ids.map((id) => ({ id })),
    );
    const { rows } = await sql`select name from kysely_migration`.execute(database);
    expect(rows).toHaveLength(Object.keys(migrations).length);
  }, 60_000);

  it('waits for another process that has just created the file and is writing to it', async () => {
    const path = join(temporaryFolder(), 'test.db');
    const { finished } = await lockFromPython(path);
    const database = await openTemporary(path);
    expect(await pragma(database, 'journal_mode')).toBe('wal');
    await finished;
  });

  it('is left as it was by a migration that fails half-way', async () => {
    const database = await openTemporary();
    const half = {
      ...migrations,
      '9999-half': {
        up: async (db: BackendDatabase) => {
          await db.schema.createTable('half').addColumn('id', 'text').execute();
          throw new Error('power cut');
        },
      },
    };
    await expect(migrate(database, half as typeof migrations)).rejects.toThrow(MigrationError);
    await expect(migrate(database, half as typeof migrations)).rejects.toThrow(/9999-half failed: power cut/);
    expect((await database.introspection.getTables()).map((table) => table.name)).not.toContain('half');
    await migrate(database);
  });

  it('waits while Python writes', async () => {
    const path = join(temporaryFolder(), 'test.db');
    const database = await openTemporary(path);
    const { finished } = await lockFromPython(path);
    await new Batches(database).insert({ id: 'b1', filename: 'a', storagePath: '/', status: 'queued' });
    await finished;
  });

  // With a plain BEGIN the other one could write between our first read and our first write; ours would then fail with
  // "database is locked" at once.
  it('takes the write lock at the start of a transaction', async () => {
    const path = join(temporaryFolder(), 'test.db');
    const database = await openTemporary(path);
    const other = new Libsql(path, { timeout: 0 });
    onTestFinished(() => void other.close());
    await database.transaction().execute(async (transaction) => {
      await transaction.selectFrom('batches').selectAll().execute();
      expect(() => other.exec('CREATE TABLE written_by_another (id TEXT)')).toThrow(/database is locked/);
    });
    other.exec('CREATE TABLE written_by_another (id TEXT)');
  });
});
