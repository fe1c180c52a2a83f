import { existsSync } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BRIDGE_COMMAND } from './bundle.mjs';
import { captureOrFail } from './capture.mjs';
import { installFromNpm } from './packages.mjs';
import { BUNDLE, CACHE, ROOT } from './place.mjs';

const BUNDLE_OF_NEWEST_5 = join(dirname(BUNDLE), 'bundle-5.json');

export const NEWEST_5 = '5.81.5';

/** The versions that `npm run test:matrix` runs: the borders between layouts of the scripts, and the newest of both majors. */
export const MATRIX_VERSIONS = [
  '5.58.0',
  '5.66.7',
  '5.73.5',
  '5.78.1',
  NEWEST_5,
  '6.0.11',
  '6.2.2',
  '6.3.4',
  '6.3.7',
  '6.4.0',
  '6.5.4',
  '6.7.0',
];

/** Those that `npm test` runs beside the installed one: the oldest, and the newest 5. */
export const TESTED_VERSIONS = ['5.58.0', NEWEST_5];

/** Where those who run the tests of a version find it. @typedef {{ BULLMQ_FOLDER: string, BULLMQ_BRIDGE_BUNDLE: string }} BullmqPlace */

/**
 * Installs a version of BullMQ into a folder of its own.
 *
 * @param {string} version exact
 * @returns {Promise<string>} BullMQ's folder
 */
export async function ensureBullmqPackage(version) {
  const folder = join(CACHE, 'bullmq', version);
  const bullmq = join(folder, 'node_modules', 'bullmq');
  if (!existsSync(join(bullmq, 'package.json'))) {
    await installFromNpm(folder, [`bullmq@${version}`]);
  }
  return bullmq;
}

/**
 * Installs a version of BullMQ into a folder of its own, beside the protocol bundle that is made of it.
 *
 * @param {string} version exact
 * @returns {Promise<BullmqPlace>} as environment variables
 */
export async function ensureBullmq(version) {
  const bullmq = await ensureBullmqPackage(version);
  const folder = join(CACHE, 'bullmq', version);
  const bundle = join(folder, 'bundle.json');
  const elsewhere = ['--schemas', join(folder, 'schemas'), '--python', join(folder, 'payloads.py')];
  await captureOrFail(
    process.execPath,
    [...BRIDGE_COMMAND, 'emit', '--bullmq', bullmq, '--bundle', bundle, ...elsewhere],
    { cwd: ROOT, remedy: 'put right what it says:' },
  );
  return { BULLMQ_FOLDER: bullmq, BULLMQ_BRIDGE_BUNDLE: bundle };
}

/**
 * Puts the bundle of the newest BullMQ 5 beside that of the installed one: the Python package carries both.
 *
 * @returns {Promise<void>}
 */
export async function ensureBundleOfNewest5() {
  const { BULLMQ_BRIDGE_BUNDLE } = await ensureBullmq(NEWEST_5);
  await copyFile(BULLMQ_BRIDGE_BUNDLE, BUNDLE_OF_NEWEST_5);
}

/**
 * Takes it away again: a worker that has two asks the backend which one to use, and the tests are of a worker with one.
 *
 * @returns {Promise<void>}
 */
export async function removeBundleOfNewest5() {
  await rm(BUNDLE_OF_NEWEST_5, { force: true });
}
