import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, onTestFinished, test, vi } from 'vitest';
import { leash } from './leash.mjs';

const LEASH = new URL('./leash.mjs', import.meta.url).href;

/** Whether a process still runs. One that has ended may stay listed where nobody collects it, as in many containers. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    if (process.platform !== 'linux') return true;
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

function sh(script: string, graceSeconds = 10) {
  let said = '';
  const running = leash('script', 'sh', ['-c', script], {
    output: 'pipe',
    onOutput: (text) => {
      said += text;
    },
    graceSeconds,
  });
  onTestFinished(async () => {
    await running.stop();
  });
  return { ...running, until: (text: string) => vi.waitUntil(() => said.includes(text)), said: () => said };
}

/** A process of its own that leashes a script which prints its process id. */
async function parentOf(script: string): Promise<{ parent: ChildProcess; pid: number }> {
  const code = `
    const { leash } = await import('${LEASH}');
    leash('script', 'sh', ['-c', ${JSON.stringify(script)}], { graceSeconds: 1 });
  `;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => {
    parent.kill('SIGKILL');
  });
  const [text] = await once(parent.stdout.setEncoding('utf8'), 'data');
  return { parent, pid: Number(text) };
}

test('tells how the program ended', async () => {
  expect(await sh('exit 0').exited).toBe(0);
  expect(await sh('exit 7').exited).toBe(7);
  expect(await sh('kill -9 $$').exited).toBe(128);
});

test('a program that does not exist is exit code 127', async () => {
  const onOutput = vi.fn();
  expect(await leash('nothing', '/no/such/program', [], { output: 'pipe', onOutput }).exited).toBe(127);
  expect(onOutput).toHaveBeenCalledWith(expect.stringContaining('/no/such/program'));
});

test('stop sends SIGTERM and waits for the end', async () => {
  const script = sh('trap "echo bye; exit 3" TERM; echo ready; while :; do sleep 0.05; done');
  await script.until('ready');
  expect(await script.stop()).toBe(3);
  expect(script.said()).toContain('bye');
});

test('a program that ignores SIGTERM is killed after the grace time, with its children', async () => {
  const script = sh('trap "" TERM; sleep 60 & echo "child $!."; wait; sleep 60', 0.2);
  await script.until('.');
  const child = Number(/child (\d+)\./.exec(script.said())?.[1]);
  expect(isRunning(child)).toBe(true);
  expect(await script.stop()).toBe(128);
  await vi.waitUntil(() => !isRunning(child));
});

test.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)('ends when its parent ends by %s', async (signal) => {
  const { parent, pid } = await parentOf('echo $$; exec sleep 60');
  expect(isRunning(pid)).toBe(true);
  parent.kill(signal);
  await vi.waitUntil(() => !isRunning(pid), { timeout: 5000 });
});

test('ends after the grace time when its parent is killed and it ignores SIGTERM', async () => {
  const { parent, pid } = await parentOf('trap "" TERM; echo $$; while :; do sleep 0.1; done');
  parent.kill('SIGKILL');
  await vi.waitUntil(() => !isRunning(pid), { timeout: 5000 });
});
