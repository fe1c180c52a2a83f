import { createServer } from 'node:net';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, onTestFinished, test } from 'vitest';
import { ROOT } from './place.mjs';
import { freePort } from './port.mjs';

const run = (args: string[], env: Record<string, string> = {}) =>
  execa(process.execPath, [join(ROOT, 'src', 'setup', 'run.mjs'), ...args], { env, reject: false });

test.each([[[]], [['nonsense']], [['toString']]])('%j: the commands that there are, exit code 1', async (args) => {
  const { exitCode, stderr } = await run(args);
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/^Usage: node src\/setup\/run\.mjs .*\bdemo \| .*\btest$/);
});

test.each(['demo', 'start'])('%s with its port in use: one line, exit code 1', async (command) => {
  const port = await freePort();
  const server = createServer().listen(port, '127.0.0.1');
  onTestFinished(() => {
    server.close();
  });
  const { exitCode, stderr, stdout } = await run([command], { PORT: String(port) });
  expect(exitCode).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).toMatch(new RegExp(`^Port ${port} \\(backend\\) is in use: .* PORT=${port + 100}\\.$`));
});
