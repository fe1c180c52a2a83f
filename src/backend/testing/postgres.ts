import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';

/** A PostgreSQL server for tests. */
export interface TestPostgres {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * The server that TEST_POSTGRES_URL names (its tables are emptied), or PostgreSQL itself compiled to WebAssembly behind
 * a real socket, so that the tests need no server on the machine.
 */
export async function startPostgres(): Promise<TestPostgres> {
  const url = process.env.TEST_POSTGRES_URL;
  if (url) return { url, stop: async () => {} };
  const db = await PGlite.create();
  const server = new PGLiteSocketServer({ db, host: '127.0.0.1', port: 0, maxConnections: 20 });
  await server.start();
  return {
    url: `postgresql://postgres:postgres@${server.getServerConn()}/postgres`,
    stop: async () => {
      await server.stop();
      await db.close();
    },
  };
}
