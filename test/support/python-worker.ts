import { fileURLToPath } from 'node:url';
import { execa, type ResultPromise } from 'execa';
import { childrenOf, isAlive } from './processes.js';
import { waitFor } from './wait-for.js';

const FIXTURES = fileURLToPath(new URL('../fixtures/', import.meta.url));
const READY = / is ready: /;

/** The arguments of the Python `Worker`, by their Python names. */
export interface WorkerSettings {
  readonly queue: string;
  readonly prefix: string;
  readonly redis_url?: string;
  readonly contract?: string;
  readonly concurrency?: number;
  readonly name?: string;
  readonly lock_duration_ms?: number;
  readonly stalled_interval_ms?: number;
  readonly max_stalled_count?: number;
  readonly drain_delay_s?: number;
  readonly shutdown_timeout_s?: number;
  readonly pool?: 'process' | 'thread';
  readonly time_limit_s?: number;
  readonly soft_time_limit_s?: number;
  readonly max_memory_mb?: number;
  readonly max_jobs_per_child?: number;
  readonly start_timeout_s?: number;
  readonly burst?: boolean;
  readonly announce?: 'refuse' | 'warn';
}

/** A Python worker process, started from a file of `test/fixtures`. */
export class PythonWorker {
  readonly #process: ResultPromise<{ reject: false; all: true; buffer: false; stdin: 'pipe' }>;
  readonly #fixture: string;
  #log = '';
  #exitCode: number | undefined | null = null;

  /**
   * Starts the process.
   *
   * @param fixture - file name in `test/fixtures`.
   * @param env - added to the environment of the tests.
   */
  constructor(fixture: string, settings: WorkerSettings, env: Readonly<Record<string, string>> = {}) {
    const python = process.env.PYTHON;
    if (!python) throw new Error('These tests need Python: run them with `npm test`, or set PYTHON');
    this.#fixture = fixture;
    this.#process = execa(python, [`${FIXTURES}${fixture}`], {
      env: { PYTHONUNBUFFERED: '1', ...env, WORKER_SETTINGS: JSON.stringify(settings) },
      reject: false,
      all: true,
      buffer: false,
      // Held open: a worker whose tests have died ends itself at its end.
      stdin: 'pipe',
    });
    this.#process.all.on('data', (chunk: Buffer) => {
      this.#log += chunk.toString();
    });
    this.#process.then(({ exitCode }) => {
      this.#exitCode = exitCode;
    });
  }

  /** Process id of the engine. */
  get pid(): number {
    const { pid } = this.#process;
    if (pid === undefined) throw new Error(`${this.#fixture} could not be started`);
    return pid;
  }

  /** What the engine and its children have written so far. */
  get log(): string {
    return this.#log;
  }

  /** Whether the engine's process has not ended. */
  get isRunning(): boolean {
    return this.#exitCode === null;
  }

  /** Process ids of the children that run the processors now. */
  async children(): Promise<number[]> {
    return childrenOf(this.pid);
  }

  /** Waits until the worker says that it is ready. */
  async waitForReady(): Promise<void> {
    await this.waitForLog(READY);
  }

  /** Waits until the log matches. Fails at once when the worker has ended without it. */
  async waitForLog(pattern: RegExp): Promise<RegExpMatchArray> {
    return waitFor(
      `log line ${pattern} of ${this.#fixture}`,
      () => {
        const match = this.#log.match(pattern);
        if (match === null && !this.isRunning) {
          throw new Error(`${this.#fixture} ended with ${this.#exitCode} without saying ${pattern}:\n${this.#log}`);
        }
        return match;
      },
      { timeoutMs: 30_000, state: () => this.#log },
    );
  }

  /** Sends a signal to the engine. */
  signal(name: NodeJS.Signals): void {
    process.kill(this.pid, name);
  }

  /** SIGTERM; waits until the worker has ended by itself, with code 0, and has left no process behind. */
  async stop(): Promise<void> {
    const exitCode = await this.#end('SIGTERM');
    if (exitCode !== 0) throw new Error(`${this.#fixture} ended with ${exitCode} after SIGTERM:\n${this.#log}`);
  }

  /** SIGKILL to the engine; waits until it and the processes of its processors are gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Waits until the worker has ended, and has left no process behind; its exit code. */
  async ended(): Promise<number | undefined> {
    return this.#end();
  }

  async #end(signal?: NodeJS.Signals): Promise<number | undefined> {
    if (!this.isRunning) return this.#exitCode ?? undefined;
    const pids = [this.pid, ...(await this.children())];
    if (signal !== undefined) this.#process.kill(signal);
    await waitFor(
      `end of ${this.#fixture} after ${signal ?? 'its work'}`,
      () => !this.isRunning && pids.every((pid) => !isAlive(pid)),
      { timeoutMs: 40_000, state: () => this.#log },
    );
    return this.#exitCode ?? undefined;
  }
}
