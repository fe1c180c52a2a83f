import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { getBorderCharacters, table } from 'table';
import { ensureBullmq, MATRIX_VERSIONS } from './bullmq-versions.mjs';
import { capture } from './capture.mjs';
import { onClose } from './closing.mjs';
import { CACHE, ROOT } from './place.mjs';
import { provideRedis } from './redis.mjs';
import { setUp } from './set-up.mjs';
import { vitest } from './suite.mjs';
import { withoutSettings } from './surroundings.mjs';

/** What is tested of each version, with the files of contract tests that do it. */
export const FEATURES = {
  'same calls, worker': ['test/conformance/differential'],
  'same calls, queue': ['test/publishing/differential.test.ts', 'test/publishing/contract.test.ts'],
  outcomes: ['test/semantics/outcomes.test.ts', 'test/semantics/attempts.test.ts'],
  delays: ['test/semantics/delays.test.ts'],
  priorities: ['test/conformance/order.test.ts'],
  flows: ['test/conformance/flow.test.ts', 'test/semantics/steps.test.ts'],
  stalled: ['test/faults/stalled.test.ts'],
  'rate limit': ['test/semantics/limits.test.ts'],
  pause: ['test/semantics/pause.test.ts', 'test/conformance/queue-state.test.ts', 'test/publishing/paused.test.ts'],
  schedulers: ['test/semantics/schedulers.test.ts'],
  deduplication: ['test/semantics/deduplication.test.ts'],
  'published by Python': ['test/publishing/consume.test.ts'],
  'as installed': ['test/readme/readme.test.ts'],
};

/**
 * `npm run test:matrix [-- VERSION...]`: the contract tests with each version of BullMQ on the Node side and its scripts on
 * the Python side. Prints a table of versions and features.
 *
 * @param {readonly string[]} versions exact; without any, `MATRIX_VERSIONS`
 * @returns {Promise<number>} exit code
 */
export async function matrix(versions) {
  const python = await setUp();
  const redis = await provideRedis({ cache: CACHE, python });
  const env = { ...withoutSettings(process.env), REDIS_URL: redis.url, REDIS_SERVER: redis.server, PYTHON: python };
  const rows = [['bullmq', ...Object.keys(FEATURES)]];
  let failed = false;
  for (const version of versions.length > 0 ? versions : MATRIX_VERSIONS) {
    const cells = await testVersion(version, env);
    const broken = cells.some((cell) => cell.includes('failed'));
    failed ||= broken;
    rows.push([version, ...cells]);
    console.log(`${version}: ${broken ? 'failed' : 'passed'}`);
  }
  console.log(table(rows, { border: getBorderCharacters('ramac') }));
  return failed ? 1 : 0;
}

/**
 * @param {string} version
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<string[]>} a cell per feature
 */
export async function testVersion(version, env) {
  const place = await ensureBullmq(version);
  const reports = await mkdtemp(join(tmpdir(), 'bullmq-bridge-matrix-'));
  onClose(() => rm(reports, { recursive: true, force: true }));
  const { program, args, cwd, report } = vitest(reports, ['--project', 'contract', ...Object.values(FEATURES).flat()]);
  const { output } = await capture(program, args, { cwd, env: { ...env, ...place } });
  const text = await readFile(report, 'utf8').catch(() => undefined);
  if (text === undefined) {
    console.log(output);
    return Object.keys(FEATURES).map(() => 'failed');
  }
  const cells = Object.values(FEATURES).map((files) => cell(JSON.parse(text), files));
  if (cells.some((one) => one.includes('failed'))) console.log(output);
  return cells;
}

/**
 * @param {{ testResults: { name: string, status: string, assertionResults: { status: string }[] }[] }} report
 * @param {readonly string[]} files
 * @returns {string} how many passed, and how many failed or had nothing to test
 */
function cell(report, files) {
  const found = report.testResults.filter(({ name }) => files.some((file) => relative(ROOT, name).startsWith(file)));
  const tests = found.flatMap(({ assertionResults }) => assertionResults);
  const count = (/** @type {string} */ wanted) => tests.filter(({ status }) => status === wanted).length;
  const broken = found.filter(({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0);
  const failed = count('failed') + broken.length;
  const absent = tests.length - count('passed') - count('failed');
  if (tests.length === 0) return 'failed: no test ran';
  return [`${count('passed')} ok`, failed > 0 && `${failed} failed`, absent > 0 && `${absent} absent`]
    .filter(Boolean)
    .join(', ');
}
