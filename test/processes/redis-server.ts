import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa, type ResultPromise } from 'execa';
import { Redis } from 'ioredis';
import { waitFor } from '../support/wait-for.js';

/** Path of a server program, for tests that harm a server; undefined where there is only a foreign one. */
export const SERVER_PROGRAM = process.env.REDIS_SERVER;

/** A Redis server that belongs to one test, which may configure, block and kill it. */
export class PrivateRedis {
  readonly url: string;
  readonly redis: Redis;
  readonly #folder: string;
  readonly #process: ResultPromise<{ reject: false; stdout: 'ignore' }>;

  private constructor(url: string, folder: string, process: ResultPromise<{ reject: false; stdout: 'ignore' }>) {
    this.url = url;
    this.#folder = folder;
    this.#process = process;
    this.redis = new Redis(url, { maxRetriesPerRequest: null });
    this.redis.on('error', () => {}); // it is not up yet, or not any more
  }

  /** Starts a server that answers. */
  static async start(options: readonly string[] = []): Promise<PrivateRedis> {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), 'bullmq-bridge-redis-'));
    const fixed = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder];
    const server = execa(SERVER_PROGRAM as string, [...fixed, ...options], { reject: false, stdout: 'ignore' });
    const started = new PrivateRedis(`redis://127.0.0.1:${port}`, folder, server);
    await waitFor('an answer of the private Redis', async () => (await started.redis.ping()) === 'PONG');
    return started;
  }

  /** Ends the server and removes its folder. */
  async stop(): Promise<void> {
    this.redis.disconnect();
    this.#process.kill('SIGKILL');
    await this.#process;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}
