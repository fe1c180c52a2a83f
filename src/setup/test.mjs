import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onClose } from './closing.mjs';
import { CACHE } from './place.mjs';
import { provideRedis } from './redis.mjs';
import { findRedisServer } from './redis-server.mjs';
import { setUp } from './set-up.mjs';
import { pytest, runSuite, vitest } from './suite.mjs';
import { withoutSettings } from './surroundings.mjs';
import { tallyLine, total } from './tally.mjs';

/**
 * `npm test`: all tests of both languages against a real Redis. One suite after the other: many tests measure time, and
 * two suites at once on two cores would disturb each other. The last line is the tally of all.
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

  const tallies = [];
  for (const suite of [vitest(reports), pytest(reports, python)]) tallies.push(await runSuite(suite, env));
  const all = total(tallies);
  console.log(`\n${tallyLine(all)}`);
  return all.failed === 0 ? 0 : 1;
}
