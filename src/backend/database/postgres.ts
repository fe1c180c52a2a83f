import { type Dialect, PostgresDialect } from 'kysely';
import pg from 'pg';

const bigint = pg.types.builtins.INT8;

/** Kysely's dialect for PostgreSQL. */
export function postgresDialect(url: string): Dialect {
  const pool = new pg.Pool({
    connectionString: url,
    max: 10,
    connectionTimeoutMillis: 10_000,
    application_name: 'bullmq-bridge-backend',
    types: { getTypeParser: (type, format) => (type === bigint ? Number : pg.types.getTypeParser(type, format)) },
  });
  // An idle connection that the server closes is replaced by itself; without a listener it would end the process.
  pool.on('error', () => {});
  return new PostgresDialect({ pool });
}
