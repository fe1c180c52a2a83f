import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa, type ResultPromise } from 'execa';
import { Redis } from 'ioredis';
import { freePort } from '../../src/setup/port.mjs';
import { waitFor } from '../support/wait-for.js';

/** The server program for servers of one's own; tests that need one are skipped without it. */
export const REDIS_SERVER = process.env.REDIS_SERVER;

/** A Redis that a test may stop, kill and start again. It forgets nothing that it has answered. */
export class PrivateRedis {
  readonly url: string;
  readonly #port: number;
  readonly #folder: string;
  #server: ResultPromise<{ reject: false; stdio: 'ignore' }> | undefined;

  private constructor(port: number, folder: string) {
    this.#port = port;
    this.#folder = folder;
    this.url = `redis://127.0.0.1:${port}`;
  }

  /** A server that is not started yet. */
  static async prepare(): Promise<PrivateRedis> {
    return new PrivateRedis(await freePort(), await mkdtemp(join(tmpdir(), 'bullmq-bridge-redis-')));
  }

  /** Whether the server's process is there. */
  get isRunning(): boolean {
    return this.#server !== undefined;
  }

  /** Starts the server, again after it was killed; waits until it answers. */
  async start(): Promise<void> {
    const address = ['--port', String(this.#port), '--bind', '127.0.0.1', '--dir', this.#folder];
    const persistence = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always'];
    const server = execa(REDIS_SERVER ?? '', [...address, ...persistence], { reject: false, stdio: 'ignore' });
    this.#server = server;
    void server.then(() => {
      this.#server = undefined;
    });
    await this.command(async (redis) => {
      await waitFor(`an answer of the Redis at ${this.url}`, async () => {
        if (!this.isRunning) throw new Error(`${REDIS_SERVER} ended: is port ${this.#port} taken?`);
        return redis.ping().catch(() => undefined);
      });
    });
  }

  /** SIGKILL: what is not on the disk is lost. */
  async kill(): Promise<void> {
    const server = this.#server;
    server?.kill('SIGKILL');
    await server;
  }

  /** Stops the process where it is; connections stay open and new ones are accepted by the system. */
  suspend(): void {
    this.#server?.kill('SIGSTOP');
  }

  /** Lets it go on. */
  resume(): void {
    this.#server?.kill('SIGCONT');
  }

  /** Runs commands on a connection of their own. */
  async command<Result>(work: (redis: Redis) => Promise<Result>): Promise<Result> {
    const redis = new Redis(this.url, { retryStrategy: () => 20 });
    redis.on('error', () => {}); // it tries again
    try {
      return await work(redis);
    } finally {
      redis.disconnect();
    }
  }

  /** Ends the server and removes its data. */
  async end(): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
