import { BRIDGE_COMMAND } from './bundle.mjs';
import { capture } from './capture.mjs';
import { CACHE, PYTHON_CLIENT, ROOT } from './place.mjs';
import { provideRedis } from './redis.mjs';
import { setUp } from './set-up.mjs';
import { withoutSettings } from './surroundings.mjs';

/** Where there is Python, as seen from python-client; all of it by the settings there. */
const RUFF_FOLDERS = ['--config', 'pyproject.toml', '.', '../test', '../bench'];

/**
 * @typedef {object} Check
 * @property {string} title
 * @property {string} program
 * @property {string[]} args
 * @property {string} cwd
 */

/**
 * `npm run check`: formats, lints, types, and the unit tests of both languages; those of the backend get a private Redis.
 * All checks run, even after one failed. What only reads the code runs side by side for both languages; the tests, which
 * measure time, one suite after the other.
 *
 * @returns {Promise<number>} exit code
 */
export async function check() {
  const python = await setUp();
  const hermetic = withoutSettings(process.env);
  const redis = await provideRedis({ cache: CACHE, python, env: hermetic });
  const env = { ...hermetic, PYTHON: python, REDIS_URL: redis.url, REDIS_SERVER: redis.server };
  const reading = await Promise.all([nodeChecks(), pythonChecks(python)].map((checks) => runAll(checks, env)));
  const failed = [...reading.flat(), ...(await runAll(unitTests(python), env))];
  console.log(failed.length === 0 ? '\nAll checks passed.' : `\nFailed: ${failed.join(', ')}`);
  return failed.length === 0 ? 0 : 1;
}

/**
 * `npm run format`: formats both languages and applies the fixes that the linters are sure of.
 *
 * @returns {Promise<number>} exit code
 */
export async function format() {
  const python = await setUp();
  const failed = await runAll(
    [
      node('biome', ['node_modules/.bin/biome', 'check', '--write', '.']),
      module(python, 'ruff check --fix', ['ruff', 'check', '--fix', ...RUFF_FOLDERS]),
      module(python, 'ruff format', ['ruff', 'format', ...RUFF_FOLDERS]),
    ],
    process.env,
  );
  return failed.length === 0 ? 0 : 1;
}

/** @returns {Check[]} */
function nodeChecks() {
  return [
    node('biome: format and lint', ['node_modules/.bin/biome', 'check', '--error-on-warnings', '.']),
    node('tsc: types', ['node_modules/.bin/tsc', '--noEmit']),
    node('bullmq-bridge emit --check', [...BRIDGE_COMMAND, 'emit', '--check']),
  ];
}

/** @param {string} python @returns {Check[]} */
function pythonChecks(python) {
  return [
    module(python, 'ruff: format', ['ruff', 'format', '--check', ...RUFF_FOLDERS]),
    module(python, 'ruff: lint', ['ruff', 'check', ...RUFF_FOLDERS]),
    module(python, 'mypy: types', ['mypy']),
  ];
}

/** @param {string} python @returns {Check[]} */
function unitTests(python) {
  return [
    node('vitest: unit tests', ['node_modules/vitest/vitest.mjs', 'run', '--project', 'unit']),
    module(python, 'pytest: unit tests', ['pytest', '-q', '-m', 'not redis']),
  ];
}

/** @param {string} title @param {string[]} args @returns {Check} */
function node(title, args) {
  return { title, program: process.execPath, args, cwd: ROOT };
}

/** @param {string} python @param {string} title @param {string[]} args @returns {Check} */
function module(python, title, args) {
  return { title, program: python, args: ['-m', ...args], cwd: PYTHON_CLIENT };
}

/**
 * @param {readonly Check[]} checks
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<string[]>} titles of those that failed
 */
async function runAll(checks, env) {
  const failed = [];
  for (const { title, program, args, cwd } of checks) {
    const started = performance.now();
    const { code, output } = await capture(program, args, { cwd, env });
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${title} (${seconds} s)`);
    if (code === 0) continue;
    failed.push(title);
    console.log(output);
  }
  return failed;
}
