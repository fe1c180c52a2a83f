import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { captureOrFail, excerpt } from './capture.mjs';
import { onClose } from './closing.mjs';
import { SetupFailure } from './failure.mjs';
import { CACHE, PYTHON_CLIENT, ROOT } from './place.mjs';
import { provideRedis } from './redis.mjs';
import { setUp } from './set-up.mjs';
import { step } from './step.mjs';
import { loadDotenv } from './surroundings.mjs';
import { requirePorts, startSystem } from './system.mjs';

/** The batch takes seconds; a demo that hangs has to say so. */
const BATCH_TIMEOUT_MS = 180_000;

/**
 * `npm run demo`: the whole path of a batch of documents, with everything that it needs, in a temporary folder.
 *
 * @returns {Promise<number>} exit code: 0 when the batch ended as its documents deserve
 */
export async function demo() {
  loadDotenv(ROOT);
  const ports = await requirePorts();
  const python = await setUp({ schemas: true });
  const redis = await provideRedis({ cache: CACHE, python });
  const folder = await mkdtemp(join(tmpdir(), 'bullmq-bridge-demo-'));
  onClose(() => rm(folder, { recursive: true, force: true }));
  const system = await startSystem({ python, redisUrl: redis.url, ports, data: folder, ...logFiles(folder) });

  const archive = join(folder, 'samples.zip');
  await step('Making the sample documents', () =>
    captureOrFail(python, ['-m', 'workers.samples', archive], { cwd: PYTHON_CLIENT, remedy: 'it says:' }),
  );
  const { processArchive } = await import('./demo-batch.mjs'); // needs node_modules
  const timeout = new Promise((_, reject) => {
    const late = new SetupFailure(`The batch was not finished within ${BATCH_TIMEOUT_MS / 1000} s.`);
    setTimeout(() => reject(late), BATCH_TIMEOUT_MS).unref();
  });
  const problems = await Promise.race([processArchive(archive, system.url, redis.url), system.broken, timeout]);
  return problems === 0 ? 0 : 1;
}

/**
 * Keeps what the processes say out of the way, in files that are shown when one of them breaks.
 *
 * @param {string} folder
 */
function logFiles(folder) {
  const logs = join(folder, 'logs');
  mkdirSync(logs);
  /** @param {string} name */
  const path = (name) => join(logs, `${name.replaceAll(' ', '-')}.log`);
  return {
    /** @param {string} name */
    log: (name) => {
      const output = openSync(path(name), 'a');
      onClose(() => closeSync(output));
      return { output };
    },
    /** @param {string} name */
    lastWords: (name) => excerpt(readFileSync(path(name), 'utf8')),
  };
}
