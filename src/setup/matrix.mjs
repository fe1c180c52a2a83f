import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { ensureBullmq, MATRIX_VERSIONS } from './bullmq-versions.mjs';
import { capture } from './capture.mjs';
import { CLIENTS } from './clients.mjs';
import { onClose } from './closing.mjs';
import { ensureDebianRedis } from './debian-redis.mjs';
import { SetupFailure } from './failure.mjs';
import { CACHE, ROOT } from './place.mjs';
import { provideRedis, startPrivateServer } from './redis.mjs';
import { setUp } from './set-up.mjs';
import { step } from './step.mjs';
import { pytest, runSuite, vitest } from './suite.mjs';
import { withoutSettings } from './surroundings.mjs';

/** What is tested of each version, with the files of contract tests that do it. */
const FEATURES = {
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

/** What is tested with each of `CLIENTS`. */
const CLIENT_TESTS = [
  'test/clients',
  'test/conformance',
  'test/faults/lost-connection.test.ts',
  'test/publishing',
  'test/readme/readme.test.ts',
  ...['delays', 'outcomes', 'pause', 'schedulers'].map((name) => `test/semantics/${name}.test.ts`),
];

/**
 * `npm run test:matrix [-- NAME...]`: the contract tests with each version of BullMQ on the Node side and its scripts on
 * the Python side, on Valkey and on Redis; and with each of `CLIENTS`. Prints a table of each.
 *
 * @param {readonly string[]} names versions and clients; without any, all
 * @returns {Promise<number>} exit code
 */
export async function matrix(names) {
  const clients = CLIENTS.filter(({ name }) => names.length === 0 || names.includes(name));
  const known = CLIENTS.map(({ name }) => name);
  const versions = names.length === 0 ? MATRIX_VERSIONS : names.filter((name) => !known.includes(name));
  const wrong = versions.filter((version) => !/^\d+\.\d+\.\d+$/.test(version));
  if (wrong.length > 0) {
    throw new SetupFailure(`${wrong.join(', ')}: neither a version of BullMQ nor one of ${known.join(', ')}`);
  }
  const python = await setUp();
  const servers = await serversHere(python);
  const env = { ...withoutSettings(process.env), PYTHON: python };
  const ofVersions = [['bullmq', ...Object.keys(FEATURES)]];
  for (const version of versions) ofVersions.push(await row(version, () => testVersion(version, env, servers)));
  const ofClients = [['with', 'both languages', "Python's own"]];
  for (const client of clients) {
    ofClients.push(await row(client.name, () => testClient(client, python, { ...env, ...servers[0] })));
  }
  // (installed by setUp)
  const { getBorderCharacters, table } = await import('table');
  const tables = [ofVersions, ofClients].filter(({ length }) => length > 1);
  for (const rows of tables) console.log(table(rows, { border: getBorderCharacters('ramac') }));
  return tables.flat(2).some(isBad) ? 1 : 0;
}

/**
 * @param {string} name
 * @param {() => Promise<string[]>} cells
 */
async function row(name, cells) {
  const found = await cells();
  console.log(`${name}: ${found.some(isBad) ? 'failed' : 'passed'}`);
  return [name, ...found];
}

/** @param {string} cell */
const isBad = (cell) => cell.includes('failed');

/** @typedef {{ REDIS_URL: string, REDIS_SERVER: string | undefined }} Server as environment variables of the tests */

/**
 * The server that `npm test` takes too, and Debian's Redis where that is another one.
 *
 * @param {string} python
 * @returns {Promise<Server[]>}
 */
async function serversHere(python) {
  const { url, server } = await provideRedis({ cache: CACHE, python });
  const first = { REDIS_URL: url, REDIS_SERVER: server };
  const redis = server?.endsWith('redis-server') ? undefined : await ensureDebianRedis();
  if (redis === undefined) return [first];
  const second = await step('Starting a private Redis', () => startPrivateServer(redis));
  return [first, { REDIS_URL: second.url, REDIS_SERVER: redis }];
}

/**
 * @param {string} version
 * @param {NodeJS.ProcessEnv} env
 * @param {readonly Server[]} servers
 * @returns {Promise<string[]>} a cell per feature; where the servers differ, it says what was with each
 */
async function testVersion(version, env, servers) {
  const place = await ensureBullmq(version);
  /** @type {string[][]} */
  const rows = [];
  for (const server of servers) {
    const report = await runContractTests(Object.values(FEATURES).flat(), { ...env, ...place, ...server });
    rows.push(Object.values(FEATURES).map((files) => cell(report, files)));
  }
  return Object.keys(FEATURES).map((_, column) => [...new Set(rows.map((cells) => cells[column]))].join(' / '));
}

/**
 * @param {import('./clients.mjs').Client} client
 * @param {string} python
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<string[]>} a cell for the tests of both languages, and one for Python's own
 */
async function testClient(client, python, env) {
  const place = await client.prepare(python);
  if (place === undefined) return ['not on this machine', ''];
  const surroundings = { ...env, ...place };
  const cells = [cell(await runContractTests(CLIENT_TESTS, surroundings), CLIENT_TESTS), ''];
  if (client.python) {
    const suite = pytest(await reportsFolder(), String(surroundings.PYTHON));
    const { passed, failed } = await runSuite(suite, surroundings, { aside: true });
    cells[1] = failed > 0 ? `${passed} ok, ${failed} failed` : `${passed} ok`;
  }
  return cells;
}

/** @typedef {{ testResults: { name: string, status: string, assertionResults: { status: string }[] }[] }} Report */

/**
 * @param {readonly string[]} files
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<Report>} what ran; the whole output is shown when anything failed
 */
async function runContractTests(files, env) {
  const { program, args, cwd, report } = vitest(await reportsFolder(), ['--project', 'contract', ...files]);
  const { code, output } = await capture(program, args, { cwd, env });
  if (code !== 0) console.log(output);
  const text = await readFile(report, 'utf8').catch(() => undefined);
  return text === undefined ? { testResults: [] } : JSON.parse(text);
}

async function reportsFolder() {
  const reports = await mkdtemp(join(tmpdir(), 'bullmq-bridge-matrix-'));
  onClose(() => rm(reports, { recursive: true, force: true }));
  return reports;
}

/**
 * @param {Report} report
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
