import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PYTHON_CLIENT, ROOT } from './place.mjs';
import { isAtLeast, nodeProblem, OLDEST_NODE, OLDEST_PYTHON } from './version.mjs';

test.each([
  ['20.19.0', true],
  ['20.19.1', true],
  ['20.20.0', true],
  ['22.0.0', true],
  ['20.18.9', false],
  ['18.99.0', false],
  ['8.0.0', false],
  ['24.0.0-nightly20250101', true],
])('Node %s is new enough: %s', (version, expected) => {
  expect(isAtLeast(version, '20.19.0')).toBe(expected);
});

test.each([
  ['3.10.0', true],
  ['3.14.0rc1', true],
  ['3.9.18', false],
  ['3.10', true],
  ['2.7.18', false],
])('Python %s is new enough: %s', (version, expected) => {
  expect(isAtLeast(version, '3.10.0')).toBe(expected);
});

test('a Node that is too old gets one line that says what to do', () => {
  expect(nodeProblem('18.20.4')).toBe(
    'Node 18.20.4 is too old: install Node 20.19.0 or newer (any current release of Node will do).',
  );
  expect(nodeProblem(process.versions.node)).toBeUndefined();
});

test('the oldest versions are those that the packages declare', () => {
  const { engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  expect(`${engines.node}.0`).toBe(`>=${OLDEST_NODE}`);
  const pyproject = readFileSync(join(PYTHON_CLIENT, 'pyproject.toml'), 'utf8');
  expect(`${/requires-python = "(.*)"/.exec(pyproject)?.[1]}.0`).toBe(`>=${OLDEST_PYTHON}`);
});
