import { ensureBundleOfNewest5, removeBundleOfNewest5 } from './bullmq-versions.mjs';
import { ensureBundle } from './bundle.mjs';
import { ensureNodeModules } from './node-modules.mjs';
import { ROOT } from './place.mjs';
import { ensureVirtualEnvironment } from './virtual-environment.mjs';

/**
 * Everything that a fresh clone lacks: npm packages, the virtual environment, the protocol bundle. What is there and up
 * to date is left alone, so that a second start takes no time.
 *
 * @param {{ schemas?: boolean }} [options] `schemas`: emit the committed schemas as well
 * @returns {Promise<string>} absolute path of the virtual environment's Python
 */
export async function setUp({ schemas = false } = {}) {
  await ensureNodeModules(ROOT);
  const python = await ensureVirtualEnvironment(ROOT);
  await ensureBundle({ schemas });
  await removeBundleOfNewest5();
  return python;
}

/**
 * `npm run setup`: the same with the committed schemas, and what only a build of the Python package needs.
 *
 * @returns {Promise<void>}
 */
export async function setUpAll() {
  await setUp({ schemas: true });
  await ensureBundleOfNewest5();
}
