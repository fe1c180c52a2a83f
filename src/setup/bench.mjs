import { join } from 'node:path';
import { ensureBullmq, NEWEST_5 } from './bullmq-versions.mjs';
import { onClose } from './closing.mjs';
import { leash } from './leash.mjs';
import { installFromPypi } from './packages.mjs';
import { CACHE, ROOT } from './place.mjs';
import { provideRedis } from './redis.mjs';
import { setUp } from './set-up.mjs';
import { withoutSettings } from './surroundings.mjs';

/**
 * `npm run bench`: bullmq-bridge beside Node's Worker and the newest official Python package, on a Redis of its own.
 *
 * @param {readonly string[]} options of bench/main.ts
 * @returns {Promise<number>} exit code
 */
export async function bench(options) {
  const python = await setUp();
  // In an environment of its own: its exact pins fit beside nothing.
  const official = await installFromPypi(join(CACHE, 'official'), python, ['--upgrade', 'bullmq']);
  const bullmq5 = options.includes('--pause') ? await ensureBullmq(NEWEST_5) : {};
  const env = { ...withoutSettings(process.env), ...bullmq5 };
  // Never the Redis of REDIS_URL: the benchmark empties the server again and again.
  const redis = await provideRedis({ cache: CACHE, python, env });
  const run = leash(
    'benchmark',
    process.execPath,
    ['--expose-gc', '--import', 'tsx', join(ROOT, 'bench', 'main.ts'), ...options],
    {
      env: { ...env, REDIS_URL: redis.url, PYTHON: python, OFFICIAL_PYTHON: official },
    },
  );
  onClose(() => run.stop());
  return run.exited;
}
