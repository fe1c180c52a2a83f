import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onClose } from './closing.mjs';
import { SetupFailure } from './failure.mjs';
import { leash } from './leash.mjs';
import { PYTHON_CLIENT, ROOT } from './place.mjs';
import { requirePort } from './port.mjs';
import { step } from './step.mjs';

/** A process that is not up by then will not come up. */
const READY_TIMEOUT_MS = 30_000;
/** The queue worker gives its jobs 25 s to finish; then it hands them back. */
const GRACE_S = 30;

/**
 * @typedef {object} Ports
 * @property {number} backend
 * @property {number} httpWorker
 */

/**
 * @typedef {object} RunningSystem
 * @property {string} url of the backend
 * @property {string} workerUrl of the HTTP worker
 * @property {Promise<never>} broken rejects when a process ends that was not told to
 */

/**
 * The ports of the reference system, if both are free.
 *
 * @returns {Promise<Ports>}
 * @throws {SetupFailure} when one is in use
 */
export async function requirePorts() {
  const backend = await requirePort('PORT', 3001, 'backend');
  const httpWorker = await requirePort('WORKER_HTTP_PORT', 8000, 'HTTP worker');
  return { backend, httpWorker };
}

/**
 * Starts the backend, the queue worker and the HTTP worker, and waits until they are up. They stop with this command.
 *
 * @param {object} options
 * @param {string} options.python
 * @param {string} options.redisUrl
 * @param {Ports} options.ports
 * @param {string} options.data folder for the database and the stored files, unless the environment names others
 * @param {(name: string) => { output: number | 'pipe', onOutput?: (text: string) => void }} options.log where the output
 *   of a process goes
 * @param {(name: string) => string} options.lastWords what a process that broke said last
 * @returns {Promise<RunningSystem>}
 */
export async function startSystem({ python, redisUrl, ports, data, log, lastWords }) {
  const url = `http://127.0.0.1:${ports.backend}`;
  const workerUrl = `http://127.0.0.1:${ports.httpWorker}`;
  const env = {
    DATABASE_URL: `sqlite:///${join(data, 'bullmq-bridge.db')}`,
    STORAGE_DIR: join(data, 'storage'),
    ...process.env,
    CONTRACT_DIR: join(ROOT, 'schemas'),
    PORT: String(ports.backend),
    PYTHONUNBUFFERED: '1',
    REDIS_URL: redisUrl,
    WORKER_HTTP_PORT: String(ports.httpWorker),
    WORKER_URL: workerUrl,
  };

  /** @type {Array<Promise<never>>} */
  const breakdowns = [];
  /** @param {string} name @param {string} program @param {string[]} args @param {string} cwd */
  const start = (name, program, args, cwd) => {
    const running = leash(name, program, args, { cwd, env, graceSeconds: GRACE_S, ...log(name) });
    let told = false;
    onClose(() => {
      told = true;
      return running.stop();
    });
    breakdowns.push(
      running.exited.then((code) => {
        if (told) return new Promise(() => {});
        throw new SetupFailure(`The ${name} ended with exit code ${code}.`, lastWords(name));
      }),
    );
  };
  start('queue worker', python, ['-m', 'workers.queue_worker'], PYTHON_CLIENT);
  start('HTTP worker', python, ['-m', 'workers.http_worker'], PYTHON_CLIENT);
  start('backend', process.execPath, ['--import', 'tsx', 'src/backend/main.ts'], ROOT);
  const broken = Promise.race(breakdowns);
  broken.catch(() => {}); // whoever waits for it hears of it

  await step('Starting the backend and the Python workers', () =>
    Promise.race([broken, Promise.all([untilHealthy(url), untilHealthy(workerUrl)])]),
  );
  return { url, workerUrl, broken };
}

/** @param {string} url */
async function untilHealthy(url) {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  let last = 'no answer';
  while (Date.now() < deadline) {
    try {
      const response = await fetch(`${url}/healthz`);
      if (response.ok) return;
      last = await response.text();
    } catch {
      // not listening yet
    }
    await sleep(50);
  }
  throw new SetupFailure(`${url}/healthz was not healthy within ${READY_TIMEOUT_MS / 1000} s: ${last}`);
}
