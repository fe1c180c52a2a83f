import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onClose } from './closing.mjs';
import { leash } from './leash.mjs';
import { PYTHON_CLIENT, ROOT } from './place.mjs';
import { CRASHED, judge, readPytestReport, readVitestReport } from './tally.mjs';

/** A suite that takes longer hangs; all of them together have to stay under ten minutes. */
const SUITE_TIMEOUT_MS = 15 * 60_000;

/**
 * A test suite of one language.
 *
 * @typedef {object} Suite
 * @property {string} title
 * @property {string} program
 * @property {string[]} args
 * @property {string} cwd
 * @property {string} report file that the run writes
 * @property {(report: string) => import('./tally.mjs').Tally} read
 */

/**
 * @param {string} reports folder for the report
 * @param {readonly string[]} [args] more arguments for vitest
 * @returns {Suite}
 */
export function vitest(reports, args = []) {
  const report = join(reports, 'vitest.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  return {
    title: 'TypeScript, and both languages together (vitest)',
    program: process.execPath,
    args: [join(ROOT, 'node_modules', 'vitest', 'vitest.mjs'), 'run', ...reporters, ...args],
    cwd: ROOT,
    report,
    read: readVitestReport,
  };
}

/**
 * @param {string} reports folder for the report
 * @param {string} python
 * @param {readonly string[]} [args] more arguments for pytest
 * @returns {Suite}
 */
export function pytest(reports, python, args = []) {
  const report = join(reports, 'pytest.xml');
  return {
    title: 'Python (pytest)',
    program: python,
    args: ['-m', 'pytest', `--junitxml=${report}`, ...args],
    cwd: PYTHON_CLIENT,
    report,
    read: readPytestReport,
  };
}

/**
 * Runs a suite, with its output going straight to the terminal; or, `aside` of another one, when it has ended.
 *
 * @param {Suite} suite
 * @param {NodeJS.ProcessEnv} env
 * @param {{ aside?: boolean }} [options]
 * @returns {Promise<import('./tally.mjs').Tally>}
 */
export async function runSuite({ title, program, args, cwd, report, read }, env, { aside = false } = {}) {
  const heading = `\n== ${title}`;
  let held = '';
  if (!aside) console.log(heading);
  const run = leash(title, program, args, {
    cwd,
    env,
    output: aside ? 'pipe' : 'inherit',
    onOutput: (text) => {
      held += text;
    },
  });
  onClose(run.stop);
  const timer = setTimeout(() => {
    console.error(`${title}: stopped, because it took longer than ${SUITE_TIMEOUT_MS / 60_000} minutes`);
    run.stop();
  }, SUITE_TIMEOUT_MS);
  const exitCode = await run.exited;
  clearTimeout(timer);
  if (aside) console.log(`${heading}\n${held}`);
  const text = await readFile(report, 'utf8').catch(() => undefined);
  if (text === undefined) {
    console.error(`${title}: ended with exit code ${exitCode} before it wrote its report; it counts as 1 failed`);
    return CRASHED;
  }
  return judge(read(text), exitCode);
}
