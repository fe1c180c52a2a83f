import { describe, expect, test } from 'vitest';
import { CRASHED, judge, readPytestReport, readVitestReport, tallyLine, total } from './tally.mjs';

function vitestReport(...files: Array<[status: string, tests: string[]]>): string {
  const testResults = files.map(([status, tests]) => ({
    name: 'a.test.ts',
    status,
    assertionResults: tests.map((result) => ({ status: result })),
  }));
  return JSON.stringify({ numTotalTests: 0, testResults });
}

describe('the report of vitest', () => {
  test('passed, failed and skipped tests of all files are added up', () => {
    const report = vitestReport(
      ['passed', ['passed', 'passed', 'pending']],
      ['failed', ['passed', 'failed', 'skipped', 'todo']],
    );
    expect(readVitestReport(report)).toEqual({ passed: 3, failed: 1, skipped: 3 });
  });

  test('a file that could not be loaded is one failure', () => {
    expect(readVitestReport(vitestReport(['failed', []], ['passed', ['passed']]))).toEqual({
      passed: 1,
      failed: 1,
      skipped: 0,
    });
  });

  test('a file whose tests passed but which failed in afterAll is one failure', () => {
    expect(readVitestReport(vitestReport(['failed', ['passed']]))).toEqual({ passed: 1, failed: 1, skipped: 0 });
  });
});

describe('the report of pytest', () => {
  test('failures and errors count as failed', () => {
    const xml =
      '<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" errors="1" ' +
      'failures="2" skipped="3" tests="10" time="0.05"><testcase name="errors=&quot;9&quot;" /></testsuite></testsuites>';
    expect(readPytestReport(xml)).toEqual({ passed: 4, failed: 3, skipped: 3 });
  });

  test('a run without tests is nothing', () => {
    const xml =
      '<testsuites><testsuite name="pytest" errors="0" failures="0" skipped="0" tests="0"></testsuite></testsuites>';
    expect(readPytestReport(xml)).toEqual({ passed: 0, failed: 0, skipped: 0 });
  });
});

describe('a suite', () => {
  const good = { passed: 5, failed: 0, skipped: 0 };

  test('that passed and ended with 0 is taken as it is', () => {
    expect(judge(good, 0)).toEqual(good);
  });

  test('that failed is not counted twice', () => {
    expect(judge({ passed: 5, failed: 2, skipped: 0 }, 1)).toEqual({ passed: 5, failed: 2, skipped: 0 });
  });

  test('whose tests passed, but which ended otherwise, has one failure', () => {
    expect(judge(good, 1)).toEqual({ passed: 5, failed: 1, skipped: 0 });
  });

  test('that ran nothing has one failure, even if it ended with 0 or skipped everything', () => {
    expect(judge({ passed: 0, failed: 0, skipped: 0 }, 0)).toEqual(CRASHED);
    expect(judge({ passed: 0, failed: 0, skipped: 7 }, 0)).toEqual({ passed: 0, failed: 1, skipped: 7 });
  });
});

test('the last line names what was skipped only when something was', () => {
  expect(
    tallyLine(
      total([
        { passed: 3, failed: 0, skipped: 0 },
        { passed: 4, failed: 1, skipped: 0 },
      ]),
    ),
  ).toBe('7 passed, 1 failed');
  expect(tallyLine({ passed: 3, failed: 0, skipped: 2 })).toBe('3 passed, 0 failed, 2 skipped');
});
