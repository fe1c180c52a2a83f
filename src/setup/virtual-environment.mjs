import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { capture, captureOrFail, excerpt } from './capture.mjs';
import { SetupFailure } from './failure.mjs';
import { findPython } from './python.mjs';
import { step } from './step.mjs';

/** @typedef {{ installed: string, base: string }} Stamp what the environment was made from */

const EXTRAS = 'workers,dev,uvloop';

/**
 * Makes the virtual environment `.venv` with the Python project in it, when it is missing, broken, or older than
 * pyproject.toml.
 *
 * @param {string} root folder of the clone
 * @param {NodeJS.ProcessEnv} [env] PYTHON names the Python to make it from
 * @returns {Promise<string>} absolute path of the environment's Python
 */
export async function ensureVirtualEnvironment(root, env = process.env) {
  const folder = join(root, '.venv');
  const python = join(folder, 'bin', 'python');
  const stampFile = join(folder, 'set-up.json');
  const wanted = await fingerprint(root);

  const stamp = await readStamp(stampFile);
  const usable = existsSync(python) && stamp !== undefined && (!env.PYTHON || env.PYTHON === stamp.base);
  if (usable && stamp.installed === wanted) return python;

  let base = stamp?.base ?? '';
  if (!usable) {
    const found = await findPython(env);
    base = env.PYTHON ?? found.command;
    await step(`Making a virtual environment in .venv with Python ${found.version}`, () => create(found, folder));
  }
  await step(`Installing Python packages (pip install -e python-client[${EXTRAS}])`, () =>
    captureOrFail(
      python,
      ['-m', 'pip', 'install', '--disable-pip-version-check', '-q', '-e', `python-client[${EXTRAS}]`],
      {
        cwd: root,
        remedy: 'is the Python package index within reach? It says:',
      },
    ),
  );
  await writeFile(stampFile, JSON.stringify({ installed: wanted, base }));
  return python;
}

/**
 * @param {import('./python.mjs').Interpreter} python
 * @param {string} folder
 */
async function create(python, folder) {
  await rm(folder, { recursive: true, force: true });
  const { code, output } = await capture(python.executable, ['-m', 'venv', folder]);
  if (code === 0) return;
  throw new SetupFailure(
    `${python.command} (Python ${python.version}) could not make a virtual environment in ${folder}: put right what it says, or name another Python with PYTHON=/path/to/python.`,
    excerpt(output),
  );
}

/**
 * What an installed environment depends on. The folder belongs to it: an environment that was moved or copied with its
 * clone still points to the old place.
 *
 * @param {string} root
 */
async function fingerprint(root) {
  const hash = createHash('sha256').update(`${root}\n${EXTRAS}\n`);
  for (const file of ['pyproject.toml', 'hatch_build.py'])
    hash.update(await readFile(join(root, 'python-client', file)));
  return hash.digest('hex');
}

/** @param {string} path @returns {Promise<Stamp | undefined>} */
async function readStamp(path) {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return undefined; // no environment, or one whose installation was cut off
  }
}
