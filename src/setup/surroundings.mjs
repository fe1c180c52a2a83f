/** The settings of the reference system (see README). */
const SETTINGS = [
  'CONTRACT_DIR',
  'DATABASE_URL',
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
