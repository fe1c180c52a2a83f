import { mkdir, mkdtemp, rm } from 'node:fs/promises';
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
 * `npm test`: all tests of both languages against a real Redis. The last line is the tally of all. Python's own suite and
 * the other versions of BullMQ run beside the rest, which mostly waits, on a Redis of their own: some tests concern the
 * whole server.
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

  const [main, others] = await Promise.all([runSuite(vitest(reports), env), runBeside(reports, python, beside)]);
  const all = total([main, ...others]);
  console.log(`\n${tallyLine(all)}`);
  return all.failed === 0 ? 0 : 1;
}

/**
 * Python's own suite, and then a few tests with each of the other versions of BullMQ.
 *
 * @param {string} reports
 * @param {string} python
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<import('./tally.mjs').Tally[]>}
 */
async function runBeside(reports, python, env) {
  const tallies = [await runSuite(pytest(reports, python), env, { aside: true })];
  for (const version of TESTED_VERSIONS) {
    const place = await ensureBullmq(version);
    const folder = join(reports, version);
    await mkdir(folder);
    const suite = vitest(folder, ['--project', 'contract', ...OTHER_VERSIONS_TESTS]);
    const titled = { ...suite, title: `BullMQ ${version} and Python (vitest)` };
    tallies.push(await runSuite(titled, { ...env, ...place }, { aside: true }));
  }
  return tallies;
}
