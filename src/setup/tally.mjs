/**
 * How the tests of a suite went.
 *
 * @typedef {{ passed: number, failed: number, skipped: number }} Tally
 */

/** A suite that broke off or ran nothing counts as one failure: silence is no success. @type {Tally} */
export const CRASHED = { passed: 0, failed: 1, skipped: 0 };

/**
 * @typedef {{ status: string }} VitestTest
 * @typedef {{ status: string, assertionResults: VitestTest[] }} VitestFile
 */

/**
 * Reads the report of vitest's `json` reporter. A file that could not be loaded has no tests in it: it counts as one
 * failure.
 *
 * @param {string} json
 * @returns {Tally}
 */
export function readVitestReport(json) {
  /** @type {{ testResults: VitestFile[] }} */
  const { testResults } = JSON.parse(json);
  return total(
    testResults.map(({ status, assertionResults }) => {
      const count = (/** @type {string} */ wanted) => assertionResults.filter((test) => test.status === wanted).length;
      const passed = count('passed');
      const failed = count('failed');
      const skipped = assertionResults.length - passed - failed;
      return { passed, failed: status === 'failed' ? Math.max(failed, 1) : failed, skipped };
    }),
  );
}

/**
 * Reads pytest's report in JUnit's XML. A test that failed and whose teardown failed too counts twice there, as it does
 * in pytest's own summary.
 *
 * @param {string} xml
 * @returns {Tally}
 */
export function readPytestReport(xml) {
  return total(
    [...xml.matchAll(/<testsuite\s[^>]*>/g)].map(([element]) => {
      const count = (/** @type {string} */ name) => Number(new RegExp(`\\s${name}="(\\d+)"`).exec(element)?.[1] ?? 0);
      const failed = count('failures') + count('errors');
      const skipped = count('skipped');
      return { passed: Math.max(count('tests') - failed - skipped, 0), failed, skipped };
    }),
  );
}

/**
 * What a suite counts for, in view of how its process ended.
 *
 * @param {Tally} tally
 * @param {number} exitCode
 * @returns {Tally}
 */
export function judge(tally, exitCode) {
  const broke = exitCode !== 0 && tally.failed === 0;
  const ranNothing = tally.passed + tally.failed === 0;
  return broke || ranNothing ? total([tally, CRASHED]) : tally;
}

/**
 * @param {readonly Tally[]} tallies
 * @returns {Tally}
 */
export function total(tallies) {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const { passed, failed, skipped } of tallies) {
    sum.passed += passed;
    sum.failed += failed;
    sum.skipped += skipped;
  }
  return sum;
}

/**
 * @param {Tally} tally
 * @returns {string} for example `12 passed, 0 failed` or `12 passed, 0 failed, 1 skipped`
 */
export function tallyLine({ passed, failed, skipped }) {
  const line = `${passed} passed, ${failed} failed`;
  return skipped > 0 ? `${line}, ${skipped} skipped` : line;
}
