import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { askPython, findPython } from './python.mjs';

/** A machine with these Pythons: version, and whether the venv module is there. */
function machine(pythons: Record<string, [version: string, hasVenv: boolean]>) {
  return async (command: string) => {
    const found = pythons[command];
    return found && { command, executable: `/usr/bin/${command}`, version: found[0], hasVenv: found[1] };
  };
}

test('python3 comes first', async () => {
  const ask = machine({ python3: ['3.11.2', true], 'python3.13': ['3.13.0', true] });
  expect(await findPython({}, ask)).toMatchObject({ command: 'python3', version: '3.11.2' });
});

test('a python3 that is too old, or lacks venv, gives way to another one', async () => {
  const old = machine({ python3: ['3.9.18', true], 'python3.12': ['3.12.1', true] });
  expect(await findPython({}, old)).toMatchObject({ command: 'python3.12' });
  const bare = machine({ python3: ['3.11.2', false], 'python3.10': ['3.10.13', true] });
  expect(await findPython({}, bare)).toMatchObject({ command: 'python3.10' });
});

test('PYTHON decides alone', async () => {
  const ask = machine({ python3: ['3.11.2', true], mine: ['3.12.0', true], old: ['3.8.1', true] });
  expect(await findPython({ PYTHON: 'mine' }, ask)).toMatchObject({ command: 'mine' });
  await expect(findPython({ PYTHON: 'old' }, ask)).rejects.toThrow(/old is Python 3\.8\.1, which is too old/);
  await expect(findPython({ PYTHON: 'gone' }, ask)).rejects.toThrow(/PYTHON=gone does not run/);
});

test.each([
  ['none at all', {}, /^No Python found: install Python 3\.10 or newer/],
  ['only an old one', { python3: ['3.9.18', true] }, /python3 is Python 3\.9\.18, which is too old/],
  ['no venv module', { python3: ['3.11.2', false] }, /sudo apt install python3\.11-venv/],
] as const)('%s: one line that says what to do', async (_, pythons, message) => {
  const failure = await findPython({}, machine(pythons as never)).catch((error) => error);
  expect(failure.name).toBe('SetupFailure');
  expect(failure.message).toMatch(message);
  expect(failure.message).toMatch(/PYTHON=\/path\/to\/python/);
  expect(failure.message).not.toContain('\n');
});

test('a Python that is found under two names is named once', async () => {
  const ask = machine({ python3: ['3.11.2', false], 'python3.11': ['3.11.2', false] });
  const failure = await findPython({}, ask).catch((error) => error);
  expect(failure.message.match(/3\.11\.2/g)).toHaveLength(1);
});

test('a program of that name that is no Python does not count', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bullmq-bridge-python-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const liar = join(folder, 'python3');
  await writeFile(liar, '#!/bin/sh\necho hello\n');
  await chmod(liar, 0o755);
  expect(await askPython(liar)).toBeUndefined();
  expect(await askPython(join(folder, 'missing'))).toBeUndefined();
});
