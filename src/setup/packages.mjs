import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { captureOrFail } from './capture.mjs';
import { ROOT } from './place.mjs';
import { step } from './step.mjs';

/**
 * Installs packages of npm into a folder of their own.
 *
 * @param {string} folder
 * @param {readonly string[]} packages with versions or ranges
 * @returns {Promise<void>}
 */
export async function installFromNpm(folder, packages) {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n');
  await step(`Installing ${packages.join(' and ')}`, () =>
    captureOrFail('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...packages], {
      cwd: folder,
      remedy: 'is the npm registry within reach? It says:',
    }),
  );
}

/**
 * Makes a virtual environment, or takes the one that is there, and installs packages into it.
 *
 * @param {string} folder
 * @param {string} python to make it from
 * @param {readonly string[]} packages arguments of `pip install`
 * @returns {Promise<string>} path of the environment's Python
 */
export async function installFromPypi(folder, python, packages) {
  const interpreter = join(folder, 'bin', 'python');
  const remedy = 'is the Python package index within reach? It says:';
  await step(`Installing ${packages.join(' ')} (pip)`, async () => {
    if (!existsSync(interpreter)) {
      await rm(folder, { recursive: true, force: true });
      await captureOrFail(python, ['-m', 'venv', folder], { remedy });
    }
    const install = ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', ...packages];
    await captureOrFail(interpreter, install, { cwd: ROOT, remedy });
  });
  return interpreter;
}
