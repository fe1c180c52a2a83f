import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureBullmq, NEWEST_5 } from './bullmq-versions.mjs';
import { captureOrFail } from './capture.mjs';
import { onClose } from './closing.mjs';
import { leash } from './leash.mjs';
import { CACHE, ROOT } from './place.mjs';
import { provideRedis } from './redis.mjs';
import { setUp } from './set-up.mjs';
import { step } from './step.mjs';
import { withoutSettings } from './surroundings.mjs';

/**
 * `npm run bench`: bullmq-bridge beside Node's Worker and the newest official Python package, on a Redis of its own.
 *
 * @param {readonly string[]} options of bench/main.ts
 * @returns {Promise<number>} exit code
 */
export async function bench(options) {
  const python = await setUp();
  const official = await officialPackage(python);
  const bullmq5 = options.includes('--pause') ? await ensureBullmq(NEWEST_5) : {};
  const env = { ...withoutSettings(process.env), ...bullmq5 };
  // Never the Redis of REDIS_URL: the benchmark empties the server again and again.
  const redis = await provideRedis({ cache: CACHE, python, env });
  const run = leash('benchmark', process.execPath, ['--import', 'tsx', join(ROOT, 'bench', 'main.ts'), ...options], {
    env: { ...env, REDIS_URL: redis.url, PYTHON: python, OFFICIAL_PYTHON: official },
  });
  onClose(() => run.stop());
  return run.exited;
}

/**
 * The newest `bullmq` of the Python package index, in an environment of its own: its exact pins fit beside nothing.
 *
 * @param {string} python
 * @returns {Promise<string>} path of that environment's Python
 */
async function officialPackage(python) {
  const folder = join(CACHE, 'official');
  const interpreter = join(folder, 'bin', 'python');
  const remedy = 'the official package could not be installed:';
  if (!existsSync(interpreter)) {
    await rm(folder, { recursive: true, force: true });
    await step('Making an environment for the official Python package', () =>
      captureOrFail(python, ['-m', 'venv', folder], { remedy }),
    );
  }
  await step('Installing the newest official Python package (bullmq)', () =>
    captureOrFail(interpreter, ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', '--upgrade', 'bullmq'], {
      remedy,
    }),
  );
  return interpreter;
}
