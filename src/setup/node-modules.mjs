import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { captureOrFail } from './capture.mjs';
import { step } from './step.mjs';

/**
 * @typedef {{ version?: string, integrity?: string, optional?: boolean, devOptional?: boolean }} LockedPackage
 * @typedef {{ packages?: Record<string, LockedPackage> }} LockFile
 */

/**
 * Installs the npm packages when node_modules is missing or is not what package-lock.json says.
 *
 * @param {string} root
 * @returns {Promise<void>}
 */
export async function ensureNodeModules(root) {
  const wanted = await readLock(join(root, 'package-lock.json'));
  const installed = await readLock(join(root, 'node_modules', '.package-lock.json'));
  if (wanted && installed && matches(wanted, installed)) return;
  await step('Installing npm packages (npm ci)', () =>
    captureOrFail('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=warn'], {
      cwd: root,
      remedy: 'is the npm registry within reach? It says:',
    }),
  );
}

/**
 * Whether every package of the lock file is installed in its version. npm notes what it installed in a lock file of its
 * own inside node_modules, so that `npm install` by hand counts as well. Optional packages (those for other platforms)
 * may be absent.
 *
 * @param {LockFile} wanted package-lock.json
 * @param {LockFile} installed node_modules/.package-lock.json
 * @returns {boolean}
 */
export function matches(wanted, installed) {
  return Object.entries(wanted.packages ?? {}).every(([path, entry]) => {
    if (path === '') return true;
    const found = installed.packages?.[path];
    if (!found) return Boolean(entry.optional || entry.devOptional);
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

/** @param {string} path @returns {Promise<LockFile | undefined>} */
async function readLock(path) {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return undefined; // missing or cut off: both mean that it has to be installed
  }
}
