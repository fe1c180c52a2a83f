import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CACHE, ROOT } from './place.mjs';
import { provideRedis } from './redis.mjs';
import { setUp } from './set-up.mjs';
import { loadDotenv } from './surroundings.mjs';
import { requirePorts, startSystem } from './system.mjs';

/**
 * `npm start`: the reference system, until Ctrl-C. Its data stays in `.data`.
 *
 * @returns {Promise<number>} exit code, when a process broke
 */
export async function start() {
  loadDotenv(ROOT);
  const ports = await requirePorts();
  const python = await setUp({ schemas: true });
  const data = join(ROOT, '.data');
  const redisFolder = join(data, 'redis');
  await mkdir(redisFolder, { recursive: true });
  const redis = await provideRedis({ cache: CACHE, python, folder: redisFolder });
  const system = await startSystem({
    python,
    redisUrl: redis.url,
    ports,
    data,
    log: (name) => ({ output: 'pipe', onOutput: withName(name) }),
    lastWords: () => '(see above)',
  });
  console.log(`
Backend      ${system.url}        (health: ${system.url}/healthz)
HTTP worker  ${system.workerUrl}/healthz
Redis        ${redis.url}
Data         ${data}

Try it:
  (cd python-client && ../.venv/bin/python -m workers.samples /tmp/samples.zip)
  curl -F file=@/tmp/samples.zip ${system.url}/api/batches
  curl -X POST ${system.url}/api/batches/<id>/process
  curl -N ${system.url}/api/batches/<id>/events
  curl ${system.url}/api/batches/<id>

Ctrl-C stops everything.
`);
  return system.broken;
}

/**
 * Prints a process's output line by line, each with its name in front.
 *
 * @param {string} name
 * @returns {(text: string) => void}
 */
export function withName(name) {
  let rest = '';
  return (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) console.log(`[${name}] ${line}`);
  };
}
