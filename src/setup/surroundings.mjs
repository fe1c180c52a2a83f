import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The settings of the reference system (see README). */
const SETTINGS = [
  'ANNOUNCE_CONTRACT',
  'CONTRACT_DIR',
  'DATABASE_URL',
  'HOST',
  'MAX_ARCHIVE_ENTRIES',
  'MAX_ARCHIVE_MB',
  'MAX_ARCHIVE_RATIO',
  'MAX_UPLOAD_MB',
  'PORT',
  'QUEUE_PREFIX',
  'REDIS_HOST',
  'REDIS_PORT',
  'REDIS_URL',
  'STORAGE_DIR',
  'USE_QUEUE',
  'WORKER_CONCURRENCY',
  'WORKER_HTTP_HOST',
  'WORKER_HTTP_PORT',
  'WORKER_URL',
];

/**
 * The environment without the settings of the reference system, so that a test cannot reach the database or the Redis
 * that a developer works with.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
export function withoutSettings(env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !SETTINGS.includes(name)));
}

/**
 * Adds the settings of a `.env` file to this process's environment, which wins over the file.
 *
 * @param {string} folder
 */
export function loadDotenv(folder) {
  const file = join(folder, '.env');
  if (existsSync(file)) process.loadEnvFile(file);
}
