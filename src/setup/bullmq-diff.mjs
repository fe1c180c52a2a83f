import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureBullmqPackage } from './bullmq-versions.mjs';
import { SetupFailure } from './failure.mjs';

/**
 * `npm run bullmq:diff -- OLD NEW`: the scripts whose signature (key count or documented arguments) or body is not the same
 * in two versions of BullMQ.
 *
 * @param {readonly string[]} versions exact
 * @returns {Promise<number>} exit code
 */
export async function diffBullmq(versions) {
  const [older, newer] = versions;
  if (older === undefined || newer === undefined) {
    throw new SetupFailure('Usage: npm run bullmq:diff -- OLD NEW, for example: npm run bullmq:diff -- 6.5.4 6.7.0');
  }
  const before = await readScripts(await ensureBullmqPackage(older));
  const after = await readScripts(await ensureBullmqPackage(newer));
  let unchanged = 0;
  for (const name of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const change = changeOf(before.get(name), after.get(name));
    if (change === undefined) unchanged++;
    else console.log(`${name}: ${change}`);
  }
  console.log(`${unchanged} scripts are the same in ${older} and ${newer}.`);
  return 0;
}

/**
 * @typedef {{ keys: string, header: string, hash: string }} Script
 * @param {Script | undefined} before
 * @param {Script | undefined} after
 * @returns {string | undefined} nothing when both are the same
 */
function changeOf(before, after) {
  if (before === undefined) return `new, ${after?.keys} keys`;
  if (after === undefined) return 'removed';
  if (before.keys !== after.keys) return `SIGNATURE, ${before.keys} keys before, ${after.keys} now`;
  if (before.header !== after.header) {
    const [old, now] = [before.header.split('\n'), after.header.split('\n')];
    const lines = [
      ...old.filter((line) => !now.includes(line)).map((line) => `  - ${line}`),
      ...now.filter((line) => !old.includes(line)).map((line) => `  + ${line}`),
    ];
    return ['SIGNATURE, documented arguments', ...lines].join('\n');
  }
  return before.hash === after.hash ? undefined : 'body';
}

/**
 * @param {string} bullmq folder of the package
 * @returns {Promise<Map<string, Script>>} by name
 */
async function readScripts(bullmq) {
  const folder = join(bullmq, 'dist', 'cjs', 'scripts');
  const scripts = new Map();
  for (const file of await readdir(folder)) {
    const [, name, keys] = /^(\w+)-(\d+)\.js$/.exec(file) ?? [];
    if (name === undefined) continue;
    const text = await readFile(join(folder, file), 'utf8');
    const comment = /--\[\[(.*?)\]\]/s.exec(text)?.[1] ?? '';
    const header = comment
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => /^x?\s*(?:(?:KEYS|ARGV)?\[)/.test(line))
      .join('\n');
    scripts.set(name, { keys, header, hash: createHash('sha1').update(text).digest('hex') });
  }
  return scripts;
}
