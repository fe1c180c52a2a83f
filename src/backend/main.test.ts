import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { temporaryFolder } from './testing/folder.js';
import { runScript } from './testing/processes.js';
import { testRedis } from './testing/redis.js';

const { url, prefix: filePrefix } = testRedis();

/** A backend as a process of its own, on a free port. Everything it says is in `said`. */
function startMain(environment: Record<string, string> = {}) {
  const folder = temporaryFolder();
  const backend = runScript('../main.ts', [], {
    REDIS_URL: url,
    QUEUE_PREFIX: `${filePrefix}:${randomUUID()}`,
    DATABASE_URL: `sqlite:///${join(folder, 'test.db')}`,
    STORAGE_DIR: join(folder, 'storage'),
    PORT: '0',
    ...environment,
  });
  let said = '';
  for (const stream of [backend.stdout, backend.stderr]) {
    stream.on('data', (chunk) => {
      said += chunk;
    });
  }
  const ended = backend.then(
    () => ({ exitCode: 0 }),
    (error) => ({ exitCode: error.exitCode as number | undefined }),
  );
  onTestFinished(() => {
    backend.kill('SIGKILL');
  });
  /** The address, once it listens. */
  async function address(): Promise<string> {
    return vi.waitFor(() => {
      const [, found] = /Server listening at (http:[^"]+)"/.exec(said) ?? [];
      if (found === undefined) throw new Error(`it does not listen yet: ${said}`);
      return found;
    }, 15_000);
  }
  return { backend, ended, address, said: () => said };
}

describe('the backend as a process', { timeout: 30_000 }, () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('serves until %s and then ends in order', async (signal) => {
    const { backend, ended, address, said } = startMain();
    const baseUrl = await address();
    expect((await fetch(`${baseUrl}/healthz`)).status).toBe(200);
    backend.kill(signal);
    expect(await ended).toEqual({ exitCode: 0 });
    expect(said()).toContain('"msg":"stopped"');
    await expect(fetch(`${baseUrl}/healthz`)).rejects.toThrow();
  });

  it('listens on the loopback address alone', async () => {
    const { address } = startMain();
    expect(await address()).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  });

  it('starts, says so and stops without a Redis', async () => {
    const { backend, ended, address, said } = startMain({ REDIS_URL: 'redis://:geheim@127.0.0.1:1' });
    const baseUrl = await address();
    expect((await fetch(`${baseUrl}/healthz`)).status).toBe(503);
    await vi.waitFor(() => expect(said()).toContain('Redis cannot be reached; trying again'), 5_000);
    backend.kill('SIGTERM');
    expect(await ended).toEqual({ exitCode: 0 });
    expect(said()).not.toContain('geheim');
  });

  it('says in one line that its port is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    onTestFinished(() => void other.close());
    const { port } = other.address() as AddressInfo;
    const { ended, said } = startMain({ PORT: String(port), LOG_LEVEL: 'silent' });
    expect(await ended).toEqual({ exitCode: 1 });
    expect(said()).toBe(`backend: port ${port} on 127.0.0.1 is already in use: stop what listens there, or set PORT\n`);
  });

  it('says in one line which setting is wrong', async () => {
    const { ended, said } = startMain({ PORT: 'abc' });
    expect(await ended).toEqual({ exitCode: 1 });
    expect(said()).toBe('backend: PORT must be a whole number from 0 to 65535, not "abc".\n');
  });

  it('says in one line that it cannot open its database, without the password', async () => {
    const { ended, said } = startMain({ DATABASE_URL: 'postgresql://user:geheim@127.0.0.1:1/app' });
    expect(await ended).toEqual({ exitCode: 1 });
    expect(said()).toMatch(/^backend: cannot start: .*ECONNREFUSED.*\n$/);
    expect(said()).not.toContain('geheim');
  });
});
