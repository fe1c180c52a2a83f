import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBullmq, TESTED_VERSIONS } from './bullmq-versions.mjs';
import { onClose } from './closing.mjs';
import { CACHE } from './place.mjs';
import { provideRedis } from './redis.mjs';
import { findRedisServer } from './redis-server.mjs';
import { setUp } from './set-up.mjs';
import { pytest, runSuite, vitest } from './suite.mjs';
import { withoutSettings } from './surroundings.mjs';
import { tallyLine, total } from './tally.mjs';

/** Tests of both languages that run beside the rest: each keeps to keys of its own, and much of its time is waiting. */
const BESIDE = ['test/conformance', 'test/publishing', 'test/semantics'];

/** What is run with the other versions of BullMQ too; `npm run test:matrix` runs much more. */
const OTHER_VERSIONS_TESTS = [
  'test/conformance/flow.test.ts',
  'test/publishing/contract.test.ts',
  'test/publishing/paused.test.ts',
  'test/readme/readme.test.ts',
  'test/semantics/delays.test.ts',
  'test/semantics/pause.test.ts',
];

/**
 * `npm test`: all tests of both languages against a real Redis. The last line is the tally of all. Python's own suite, a
 * part of the others and the other versions of BullMQ run beside the rest, which mostly waits, on a Redis of their own:
 * some tests concern the whole server.
 *
 * @returns {Promise<number>} exit code
 */
export async function test() {
  const python = await setUp();
  const redis = await provideRedis({ cache: CACHE, python });
  const reports = await mkdtemp(join(tmpdir(), 'bullmq-bridge-test-'));
  onClose(() => rm(reports, { recursive: true, force: true }));
  // For the tests that stop a server: never the one that REDIS_URL names, nor one that has to be installed for it.
  const server = redis.server ?? (await findRedisServer({ cache: CACHE, python, install: async () => {} }));
  const env = { ...withoutSettings(process.env), REDIS_URL: redis.url, REDIS_SERVER: server, PYTHON: python };
  const beside = { ...env, REDIS_URL: (await provideRedis({ cache: CACHE, python })).url };

  const rest = vitest(
    reports,
    BESIDE.flatMap((folder) => ['--exclude', `${folder}/**`]),
  );
  const [main, others] = await Promise.all([runSuite(rest, env), runBeside(reports, python, beside)]);
  const all = total([main, ...others]);
  console.log(`\n${tallyLine(all)}`);
  return all.failed === 0 ? 0 : 1;
}

/**
 * Python's own suite, then the tests that need not wait for the rest, then a few with each of the other versions of BullMQ.
 *
 * @param {string} reports
 * @param {string} python
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<import('./tally.mjs').Tally[]>}
 */
async function runBeside(reports, python, env) {
  const aside = { aside: true };
  const tallies = [await runSuite(pytest(reports, python), env, aside)];
  tallies.push(await runSuite(await contractTests('Both languages', BESIDE), env, aside));
  for (const version of TESTED_VERSIONS) {
    const place = await ensureBullmq(version);
    const suite = await contractTests(`BullMQ ${version} and Python`, OTHER_VERSIONS_TESTS);
    tallies.push(await runSuite(suite, { ...env, ...place }, aside));
  }
  return tallies;

  /** @param {string} title @param {readonly string[]} files */
  async function contractTests(title, files) {
    const folder = await mkdtemp(join(reports, 'contract-'));
    return { ...vitest(folder, ['--project', 'contract', ...files]), title: `${title} (vitest)` };
  }
}
