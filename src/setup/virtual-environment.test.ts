import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { ensureVirtualEnvironment } from './virtual-environment.mjs';

let root: string;
let calls: string;

/** Acts as a Python: answers about itself, makes environments, and notes each call that changes something. */
async function fakePython(name: string, pip = 'exit 0'): Promise<string> {
  const path = join(root, name);
  const about = JSON.stringify({ executable: path, version: '3.12.1', hasVenv: true });
  await writeFile(
    path,
    `#!/bin/sh
case "$1 $2" in
  "-m venv") echo "venv by ${name}" >> ${calls}; mkdir -p "$3/bin"; cp "${path}" "$3/bin/python" ;;
  "-m pip") echo pip >> ${calls}; ${pip} ;;
  *) echo '${about}' ;;
esac
`,
  );
  await chmod(path, 0o755);
  return path;
}

async function takeCalls(): Promise<string[]> {
  const text = await readFile(calls, 'utf8').catch(() => '');
  await rm(calls, { force: true });
  return text.split('\n').filter(Boolean);
}

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'bullmq-bridge-venv-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  calls = join(root, 'calls');
  await mkdir(join(root, 'python-client'));
  await writeFile(join(root, 'python-client', 'pyproject.toml'), 'one');
  await writeFile(join(root, 'python-client', 'hatch_build.py'), '');
  const quiet = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  onTestFinished(() => quiet.mockRestore());
});

test('is made once, and then left alone', async () => {
  const PYTHON = await fakePython('python-a');
  expect(await ensureVirtualEnvironment(root, { PYTHON })).toBe(join(root, '.venv', 'bin', 'python'));
  expect(await takeCalls()).toEqual(['venv by python-a', 'pip']);
  await ensureVirtualEnvironment(root, { PYTHON });
  await ensureVirtualEnvironment(root, {});
  expect(await takeCalls()).toEqual([]);
});

test('gets the packages again when pyproject.toml changes', async () => {
  const PYTHON = await fakePython('python-a');
  await ensureVirtualEnvironment(root, { PYTHON });
  await takeCalls();
  await writeFile(join(root, 'python-client', 'pyproject.toml'), 'two');
  await ensureVirtualEnvironment(root, { PYTHON });
  expect(await takeCalls()).toEqual(['pip']);
});

test('is made anew with another Python, and when its own Python is gone', async () => {
  await ensureVirtualEnvironment(root, { PYTHON: await fakePython('python-a') });
  await takeCalls();
  const PYTHON = await fakePython('python-b');
  await ensureVirtualEnvironment(root, { PYTHON });
  expect(await takeCalls()).toEqual(['venv by python-b', 'pip']);
  await rm(join(root, '.venv', 'bin', 'python'));
  await ensureVirtualEnvironment(root, { PYTHON });
  expect(await takeCalls()).toEqual(['venv by python-b', 'pip']);
});

test('a pip that fails is shown, and tried again at the next start', async () => {
  const PYTHON = await fakePython('python-a', 'echo no network; exit 2');
  for (let start = 1; start <= 2; start++) {
    const failure = await ensureVirtualEnvironment(root, { PYTHON }).catch((error) => error);
    expect(failure.message).toMatch(/pip install .* ended with exit code 2: is the Python package index within reach/);
    expect(failure.details).toBe('no network');
    expect(await takeCalls()).toContain('pip');
  }
});
