import { randomUUID } from 'node:crypto';
import {
  FlowProducer,
  type Job,
  type JobState,
  type Processor,
  Queue,
  QueueEvents,
  type QueueOptions,
  Worker,
  type WorkerOptions,
} from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll } from 'vitest';
import { PythonWorker, type WorkerSettings } from './python-worker.js';
import { waitFor } from './wait-for.js';

/** Settings of a worker whose queue's prefix is the system's. */
export type StartSettings = Omit<WorkerSettings, 'prefix'>;

/**
 * Everything that a test file talks to: Redis, queues, workers of both languages. Keys live under a prefix of its own.
 * What was opened is closed, and the keys are gone, when the file's tests are over.
 */
export class System {
  readonly url: string;
  readonly redis: Redis;
  readonly prefix = `test-${randomUUID()}`;
  readonly #pythonWorkers: PythonWorker[] = [];
  readonly #opened: { close(): Promise<void> }[] = [];

  /** @param url - the Redis to talk to, instead of the one that all tests share. */
  constructor(url = process.env.REDIS_URL) {
    if (!url) throw new Error('These tests need a Redis: run them with `npm test`, or set REDIS_URL');
    this.url = url;
    this.redis = new Redis(url, { maxRetriesPerRequest: null });
  }

  /** A queue; by default with a name that no other test has. */
  queue(name = uniqueName(), options: Partial<QueueOptions> = {}): Queue {
    return this.#keep(new Queue(name, { connection: this.redis, prefix: this.prefix, ...options }));
  }

  /** A listener that hears what happens from now on. */
  async events(queue: string): Promise<QueueEvents> {
    const events = this.#keep(new QueueEvents(queue, { connection: this.redis, prefix: this.prefix }));
    await events.waitUntilReady();
    return events;
  }

  /** A producer of flows. */
  flows(): FlowProducer {
    return this.#keep(new FlowProducer({ connection: this.redis, prefix: this.prefix }));
  }

  /** A worker of BullMQ itself, in this process. */
  async nodeWorker(queue: string, processor: Processor, options: Partial<WorkerOptions> = {}): Promise<Worker> {
    const worker = new Worker(queue, processor, { connection: this.redis, prefix: this.prefix, ...options });
    this.#keep(worker);
    await worker.waitUntilReady();
    return worker;
  }

  /** A Python worker that is ready. */
  async startWorker(
    fixture: string,
    settings: StartSettings,
    env: Readonly<Record<string, string>> = {},
  ): Promise<PythonWorker> {
    const worker = this.launchWorker(fixture, settings, env);
    await worker.waitForReady();
    return worker;
  }

  /** A Python worker that may never become ready. */
  launchWorker(fixture: string, settings: StartSettings, env: Readonly<Record<string, string>> = {}): PythonWorker {
    const worker = new PythonWorker(fixture, { redis_url: this.url, ...settings, prefix: this.prefix }, env);
    this.#pythonWorkers.push(worker);
    return worker;
  }

  /** A job, read after it has got into a state. */
  async jobIn(state: JobState, queue: Queue, id: string | undefined): Promise<Job> {
    await waitFor(`state ${state} of job ${id}`, async () => (await queue.getJobState(id ?? '')) === state, {
      state: async () => [await queue.getJobState(id ?? ''), await this.redis.hgetall(queue.toKey(id ?? ''))],
    });
    const job = await queue.getJob(id ?? '');
    if (job === undefined) throw new Error(`job ${id} is gone`);
    return job;
  }

  /**
   * Waits until the worker of a queue has asked for jobs, found none, and sleeps until the marker wakes it.
   *
   * @param name - of the worker, if it has one.
   */
  async workerIsIdle(queue: string, name?: string): Promise<void> {
    const base = `${this.prefix}:${Buffer.from(queue).toString('base64')}`;
    const client = name === undefined ? base : `${base}:w:${name}`;
    await waitFor(`sleep of the worker of ${queue}`, async () => {
      const clients = String(await this.redis.client('LIST')).split('\n');
      return clients.some((line) => line.includes(` name=${client} `) && / flags=\w*b/.test(line));
    });
  }

  /** Every key of this system, or of one queue of it. */
  async keys(queue?: string): Promise<string[]> {
    const match = queue === undefined ? `${this.prefix}:*` : `${this.prefix}:${queue}:*`;
    const keys: string[] = [];
    for await (const batch of this.redis.scanStream({ match, count: 1_000 })) keys.push(...(batch as string[]));
    return [...new Set(keys)].sort();
  }

  /** Removes every key of this system, or of one queue of it. */
  async removeKeys(queue?: string): Promise<void> {
    const keys = await this.keys(queue);
    if (keys.length > 0) await this.redis.unlink(...keys);
  }

  /** Ends every worker, closes what was opened, removes the keys. */
  async end(): Promise<void> {
    await Promise.all(this.#pythonWorkers.map((worker) => worker.kill()));
    await Promise.all(this.#opened.map((opened) => opened.close()));
    await this.removeKeys();
    const announcements = await this.redis.keys(`bullmq-bridge:${this.prefix}:*`);
    if (announcements.length > 0) await this.redis.unlink(...announcements);
    this.redis.disconnect();
  }

  #keep<Opened extends { close(): Promise<void> }>(opened: Opened): Opened {
    this.#opened.push(opened);
    return opened;
  }
}

/** A system for the tests of a file. */
export function useSystem(): System {
  const system = new System();
  afterAll(() => system.end());
  return system;
}

/** A name for a queue that no other test uses. */
export function uniqueName(): string {
  return `queue-${randomUUID()}`;
}
