import type { FlowProducer, JobState, KeepJobs, Queue } from 'bullmq';
import { afterAll, beforeAll, expect } from 'vitest';
import { type Entry, takeSnapshot } from '../conformance/differential/snapshot.js';
import { System } from '../support/system.js';
import { waitFor } from '../support/wait-for.js';
import { startNodeWorker } from './node-worker.js';
import { PythonHost } from './python-host.js';
import { type HostedWorker, type PythonSettings, startPythonWorker } from './python-worker.js';

/** Who works the jobs. */
export type Language = 'node' | 'python';

/** Settings of a worker of either language; left out, they are the defaults of both. */
export interface Settings {
  readonly concurrency?: number;
  readonly name?: string;
  readonly limiter?: { readonly max: number; readonly duration: number };
  readonly maxStartedAttempts?: number;
  readonly removeOnComplete?: KeepJobs;
  readonly removeOnFail?: KeepJobs;
  /** Minutes of metrics. */
  readonly metricsPoints?: number;
  /** Delays (ms) of custom backoff strategies, by attempt; -1: no further attempt. */
  readonly backoffs?: Readonly<Record<string, readonly number[]>>;
  readonly lockMs?: number;
  readonly stalledIntervalMs?: number;
  readonly maxStalledCount?: number;
}

/** A worker of either language that runs. */
export interface RunningWorker {
  /** Fetches no more jobs; does not wait for those that run. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  setConcurrency(concurrency: number): Promise<void>;
  /** Cancels a job; whether it ran here. */
  cancel(jobId: string, reason: string): Promise<boolean>;
  /** Names of the events that it has told so far, with the id of the job that each is about. */
  told(): string[];
  /** Ends the worker when the jobs that run have ended. */
  close(): Promise<void>;
}

/** Where a scenario takes place: the same for both languages, under a prefix of its own. */
export interface Stage {
  readonly language: Language;
  readonly system: System;
  readonly queue: Queue;
  readonly flows: FlowProducer;
  /** Starts a worker of the queue, in the language of the stage. */
  startWorker(settings?: Settings): Promise<RunningWorker>;
  /** Starts a Python worker of the queue, whatever the language. */
  startPythonWorker(settings?: PythonSettings): Promise<HostedWorker>;
  /** Starts a worker of BullMQ itself, whatever the language. */
  startNodeWorker(settings?: Settings): Promise<RunningWorker>;
  /** Waits until every job of the queue has completed or failed. */
  allSettled(): Promise<void>;
  /** Waits for that, and until every worker sleeps: nothing that happens in Redis is still to come. */
  atRest(): Promise<void>;
  /** Waits until a job is in a state. */
  jobIn(state: JobState, id: string): Promise<void>;
  /** Waits until so many jobs are in a state. */
  countOf(state: JobState, count: number): Promise<void>;
  /** The name of a gate for `hold`. */
  readonly gate: string;
  /** Lets so many jobs through the gate. */
  openGate(times?: number): Promise<void>;
  /** Keys, by their last part, that the comparison leaves out. */
  readonly leftOut: string[];
  /** What the comparison does to the state, as JSON text: it hides what two runs cannot have in common. */
  readonly rewrites: ((text: string) => string)[];
}

/** What a scenario left. */
export interface Played {
  readonly state: Readonly<Record<string, Entry>>;
  /** What the scenario gave back: what it saw on the way. */
  readonly seen: unknown;
}

const QUEUE = 'work';
const OPEN: readonly JobState[] = ['waiting', 'active', 'delayed', 'prioritized', 'waiting-children'];

/** Plays scenarios with BullMQ's worker and with the Python worker, and compares what they leave. */
export class Twins {
  #host: PythonHost | undefined;

  start(): void {
    this.#host = new PythonHost();
  }

  async end(): Promise<void> {
    await this.#host?.end();
  }

  /** The process of the Python workers. */
  get host(): PythonHost {
    if (this.#host === undefined) throw new Error('there is no Python process outside of tests');
    return this.#host;
  }

  /**
   * Plays a scenario in both languages and expects the same state in Redis, the event stream included, and the same
   * observations. Gives them.
   */
  async expectSame(scenario: (stage: Stage) => Promise<unknown>): Promise<Played> {
    const [python, node] = await Promise.all([this.#play(scenario, 'python'), this.#play(scenario, 'node')]);
    expect(python.seen).toEqual(node.seen);
    expect(python.state).toEqual(node.state);
    return python;
  }

  /** Plays a scenario with Python workers alone. */
  async inPython(scenario: (stage: Stage) => Promise<unknown>): Promise<void> {
    await this.in('python', scenario);
  }

  /** Plays a scenario in one language. */
  async in(language: Language, scenario: (stage: Stage) => Promise<unknown>): Promise<void> {
    await this.#play(scenario, language);
  }

  async #play(scenario: (stage: Stage) => Promise<unknown>, language: Language): Promise<Played> {
    const system = new System();
    const workers: RunningWorker[] = [];
    try {
      const stage = this.#stage(language, system, workers);
      await stage.queue.waitUntilReady();
      const seen = await scenario(stage);
      await Promise.all(workers.splice(0).map((worker) => worker.close()));
      const text = JSON.stringify(await takeSnapshot(system, stage.leftOut));
      const state = JSON.parse(stage.rewrites.reduce((changed, rewrite) => rewrite(changed), text));
      return { state, seen };
    } finally {
      await Promise.all(workers.map((worker) => worker.close()));
      await system.end();
    }
  }

  #stage(language: Language, system: System, workers: RunningWorker[]): Stage {
    const queue = system.queue(QUEUE);
    const gate = `${system.prefix}:gate`;
    const names = new Set<string | undefined>();
    const keep = <Worker extends RunningWorker>(worker: Worker, { name }: Settings): Worker => {
      names.add(name);
      workers.push(worker);
      return worker;
    };
    const allSettled = async () => {
      await waitFor(`end of all jobs in ${language}`, async () => (await queue.getJobCountByTypes(...OPEN)) === 0, {
        state: () => queue.getJobCounts(),
      });
    };
    return {
      language,
      system,
      queue,
      flows: system.flows(),
      gate,
      leftOut: [],
      rewrites: [],
      startWorker: async (settings = {}) => {
        if (language === 'node') return keep(await startNodeWorker(system, queue, settings), settings);
        return keep(await startPythonWorker(this.host, system, queue, settings), settings);
      },
      startPythonWorker: async (settings = {}) =>
        keep(await startPythonWorker(this.host, system, queue, settings), settings),
      startNodeWorker: async (settings = {}) => keep(await startNodeWorker(system, queue, settings), settings),
      allSettled,
      atRest: async () => {
        await allSettled();
        await Promise.all([...names].map((name) => system.workerIsIdle(QUEUE, name)));
      },
      jobIn: async (state, id) => {
        await system.jobIn(state, queue, id);
      },
      countOf: async (state, count) => {
        const counted = async () => (await queue.getJobCountByTypes(state)) === count;
        await waitFor(`${count} ${state} jobs in ${language}`, counted, { state: () => queue.getJobCounts() });
      },
      openGate: async (times = 1) => {
        await system.redis.rpush(gate, ...Array<string>(times).fill('open'));
      },
    };
  }
}

/** For the tests of a file. */
export function useTwins(): Twins {
  const twins = new Twins();
  beforeAll(() => twins.start());
  afterAll(() => twins.end());
  return twins;
}
