import { randomUUID } from 'node:crypto';
import type { Queue } from 'bullmq';
import type { System } from '../support/system.js';
import type { BusEvent, PythonHost } from './python-host.js';

/** Settings of a source, by their Python names. */
export interface SourceSettings {
  readonly contract?: string;
  readonly name?: string;
  readonly lock_duration_ms?: number;
  readonly stalled_interval_ms?: number;
  readonly limiter?: { readonly max_jobs: number; readonly duration_ms: number };
  readonly allow_version_mismatch?: boolean;
}

/** A job that a source has given out. */
export interface GivenJob {
  readonly id: string;
  readonly name: string;
  readonly data: unknown;
  readonly token: string;
  readonly attempts_made: number;
  readonly attempts_started: number;
}

/** A `JobSource` in the Python process of the tests. */
export class JobSource {
  readonly #host: PythonHost;
  readonly #id = randomUUID();

  private constructor(host: PythonHost) {
    this.#host = host;
  }

  static async open(host: PythonHost, system: System, queue: Queue, settings: SourceSettings = {}): Promise<JobSource> {
    const source = new JobSource(host);
    const all = { queue: queue.name, prefix: system.prefix, redis_url: system.url, drain_delay_s: 600, ...settings };
    await host.call('open_source', { source: source.#id, settings: all });
    return source;
  }

  /** The next job; `null` when there is none within the time, in s (0: now). */
  async next(timeoutS: number | null = null): Promise<GivenJob | null> {
    return this.#host.call('next', { source: this.#id, timeout_s: timeoutS });
  }

  /** The next job, which must come. */
  async take(): Promise<GivenJob> {
    const job = await this.next();
    if (job === null) throw new Error('the source gave no job');
    return job;
  }

  /** Settles a job by a method of the source; where it went. */
  async end(job: GivenJob, how: string, ...args: unknown[]): Promise<string> {
    return this.#host.call('end', { source: this.#id, job: job.id, token: job.token, how, arguments: args });
  }

  /** Waits for a job so long, then gives the wait up in the way of asyncio; `null` if it did. */
  async giveUp(afterS: number): Promise<GivenJob | null> {
    return this.#host.call('give_up', { source: this.#id, after_s: afterS });
  }

  /** What it has told on its bus. */
  events(event: string): readonly BusEvent[] {
    return this.#host.events(this.#id).filter((told) => told.event === event);
  }

  async close(): Promise<void> {
    await this.#host.call('close_source', { source: this.#id });
  }
}
