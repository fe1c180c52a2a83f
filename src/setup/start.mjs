import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { excerpt } from './capture.mjs';
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
  const output = new Output();
  const system = await startSystem({
    python,
    redisUrl: redis.url,
    ports,
    data,
    log: (name) => ({ output: 'pipe', onOutput: (text) => output.add(name, text) }),
    lastWords: (name) => excerpt(output.of(name)),
  });
  output.show();
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

/** What the processes say, line by line with the name of who says it: held back at first, then printed as it comes. */
class Output {
  /** @type {Map<string, string>} lines that are not complete */
  #rests = new Map();
  /** @type {Array<{ name: string, line: string }> | undefined} */
  #held = [];

  /**
   * @param {string} name
   * @param {string} text
   */
  add(name, text) {
    const lines = ((this.#rests.get(name) ?? '') + text).split('\n');
    this.#rests.set(name, lines.pop() ?? '');
    for (const line of lines) {
      if (this.#held) this.#held.push({ name, line });
      else print(name, line);
    }
  }

  /**
   * @param {string} name
   * @returns {string} what one process has said so far, if it is still held back
   */
  of(name) {
    const lines = this.#held?.filter((held) => held.name === name) ?? [];
    return lines.map(({ line }) => line).join('\n');
  }

  /** Prints what was held back, and from now on everything at once. */
  show() {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const { name, line } of held) print(name, line);
  }
}

/**
 * @param {string} name
 * @param {string} line
 */
function print(name, line) {
  console.log(`[${name}] ${line}`);
}
