import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { installFromNpm, installFromPypi } from './packages.mjs';
import { CACHE, ROOT } from './place.mjs';
import { findPython } from './python.mjs';

/**
 * What may stand around the library instead of what is installed here: another client or Python.
 *
 * @typedef {object} Client
 * @property {string} name
 * @property {boolean} [python] whether Python's own suite is run with it too
 * @property {(python: string) => Promise<NodeJS.ProcessEnv | undefined>} prepare gets it, as environment variables of the
 *   tests; undefined when it is not to be had on this machine
 */

/** The ends of the ranges that package.json and pyproject.toml allow. @type {readonly Client[]} */
export const CLIENTS = [
  { name: 'ioredis-6', prepare: () => npmClient('ioredis', '6', 'IOREDIS_FOLDER') },
  { name: 'node-redis-5', prepare: () => npmClient('redis', '5', 'NODE_REDIS_FOLDER') },
  { name: 'redis-py-5.2', python: true, prepare: (python) => environment('redis-py-5.2', python, ['redis==5.2.*']) },
  ...['3.10', '3.11', '3.12', '3.13'].map((version) => ({
    name: `python-${version}`,
    python: true,
    prepare: () => pythonOf(version),
  })),
];

/**
 * A client of Node's, beside a BullMQ that takes it.
 *
 * @param {string} client package
 * @param {string} range
 * @param {string} variable under which the tests look for it
 */
async function npmClient(client, range, variable) {
  const folder = join(CACHE, 'clients', `${client}-${range}`);
  const modules = join(folder, 'node_modules');
  const { version } = JSON.parse(await readFile(join(ROOT, 'node_modules', 'bullmq', 'package.json'), 'utf8'));
  await installFromNpm(folder, [`bullmq@${version}`, `${client}@${range}`]);
  return { BULLMQ_FOLDER: join(modules, 'bullmq'), [variable]: join(modules, client) };
}

/** @param {string} version of Python */
async function pythonOf(version) {
  const name = `python${version}`;
  for (const command of [name, ...(await ofPyenv(version))]) {
    const found = await findPython({ ...process.env, PYTHON: command }).catch(() => undefined);
    if (found) return environment(name, found.executable);
  }
  return undefined;
}

/** @param {string} version */
async function ofPyenv(version) {
  const versions = join(process.env.PYENV_ROOT ?? join(homedir(), '.pyenv'), 'versions');
  const names = await readdir(versions).catch(() => []);
  return names.filter((name) => name.startsWith(`${version}.`)).map((name) => join(versions, name, 'bin', 'python'));
}

/**
 * An environment with the Python package in it.
 *
 * @param {string} name
 * @param {string} python to make it from
 * @param {readonly string[]} [requirements] besides
 */
async function environment(name, python, requirements = []) {
  const packages = ['-e', 'python-client[workers,dev]', ...requirements];
  return { PYTHON: await installFromPypi(join(CACHE, 'environments', name), python, packages) };
}
