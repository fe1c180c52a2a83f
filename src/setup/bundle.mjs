import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { captureOrFail } from './capture.mjs';
import { BUNDLE, CACHE, ROOT } from './place.mjs';
import { step } from './step.mjs';

/** The folders whose sources decide what `emit` writes, besides the installed BullMQ. */
const SOURCES = ['src/bridge', 'src/jobs'];

/** How this clone calls its own `bullmq-bridge`, without building it first. */
export const BRIDGE_COMMAND = ['--import', 'tsx', 'src/bridge/cli/main.ts'];

/**
 * Runs `bullmq-bridge emit` when something that it depends on has changed since the last time.
 *
 * @param {{ schemas: boolean }} options `schemas`: write schemas/ and the Python types as well. Tests and checks only need the
 *   bundle, and must not hide that what is committed is stale.
 * @returns {Promise<void>}
 */
export async function ensureBundle({ schemas }) {
  const stampFile = join(CACHE, schemas ? 'emitted' : 'emitted-bundle');
  const wanted = await fingerprint();
  const done = await readFile(stampFile, 'utf8').catch(() => '');
  if (done === wanted && existsSync(BUNDLE)) return;

  const elsewhere = schemas ? [] : ['--schemas', join(CACHE, 'schemas'), '--python', join(CACHE, 'payloads.py')];
  await step(`Emitting the protocol bundle${schemas ? ' and schemas' : ''} (bullmq-bridge emit)`, () =>
    captureOrFail(process.execPath, [...BRIDGE_COMMAND, 'emit', ...elsewhere], {
      cwd: ROOT,
      remedy: 'put right what it says:',
    }),
  );
  await mkdir(CACHE, { recursive: true });
  await writeFile(stampFile, wanted);
}

/** @returns {Promise<string>} changes when `emit` might write something else */
async function fingerprint() {
  const hash = createHash('sha256');
  for (const file of ['package.json', 'node_modules/bullmq/package.json', ...(await sourceFiles())]) {
    hash.update(`${file}\n`).update(await readFile(join(ROOT, file)));
  }
  return hash.digest('hex');
}

/** @returns {Promise<string[]>} paths within the clone, sorted */
async function sourceFiles() {
  const files = [];
  for (const folder of SOURCES) {
    for (const name of await readdir(join(ROOT, folder), { recursive: true })) {
      if (name.endsWith('.ts') && !name.endsWith('.test.ts')) files.push(join(folder, name));
    }
  }
  return files.sort();
}
