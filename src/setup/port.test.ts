import { createServer, type Server } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { freePort, requirePort } from './port.mjs';

async function occupy(port: number, host = '127.0.0.1'): Promise<Server> {
  const server = createServer();
  onTestFinished(() => {
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  return server;
}

test('a port that is free is given', async () => {
  const port = await freePort();
  expect(await requirePort('PORT', port, 'backend', {})).toBe(port);
  expect(await requirePort('PORT', 1, 'backend', { PORT: String(port) })).toBe(port);
});

test.each(['127.0.0.1', '0.0.0.0'])('a port in use on %s: one line that names it and the way out', async (host) => {
  const port = await freePort();
  await occupy(port, host);
  await expect(requirePort('PORT', port, 'backend', {})).rejects.toThrow(
    `Port ${port} (backend) is in use: stop what listens there, or choose another with PORT=${port + 100}.`,
  );
});

test.each(['abc', '0', '70000', '1.5'])('PORT=%s is refused', async (value) => {
  await expect(requirePort('PORT', 3001, 'backend', { PORT: value })).rejects.toThrow(`PORT=${value} is no port`);
});
