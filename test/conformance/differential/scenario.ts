import type { FlowProducer, Queue } from 'bullmq';
import { runProcessor } from '../../fixtures/processors.js';
import { Monitor } from '../../support/monitor.js';
import { System } from '../../support/system.js';
import { waitFor } from '../../support/wait-for.js';
import { type ScriptCall, scriptCalls } from './script-calls.js';
import { type Entry, takeSnapshot } from './snapshot.js';

/** Who works the jobs. */
export type Language = 'node' | 'python';

/** Where a scenario takes place: the same for both languages, under a prefix of its own. */
export interface Stage {
  readonly system: System;
  readonly queue: Queue;
  readonly flows: FlowProducer;
  readonly monitor: Monitor;
}

/** Jobs, and a worker that works them until nothing is left to do. */
export interface Scenario {
  readonly name: string;
  /** The BullMQ that brought what it is about; else every version has it. */
  readonly since?: string;
  /** Settings of the worker; with the defaults of both languages where they are left out. */
  readonly worker?: {
    readonly name?: undefined;
    readonly lockMs?: number;
    readonly stalledIntervalMs?: number;
    readonly maxStalledCount?: number;
  };
  /** Before the worker starts. */
  readonly before?: (stage: Stage) => Promise<unknown>;
  /** While it works. */
  readonly during?: (stage: Stage) => Promise<unknown>;
  /** Whether its work is over; by default, when all jobs have completed or failed. */
  readonly isOver?: (stage: Stage) => Promise<boolean>;
}

/** What a worker left in Redis and what it sent to get there. */
export interface Outcome {
  readonly state: Readonly<Record<string, Entry>>;
  readonly calls: Readonly<Record<string, readonly ScriptCall[]>>;
}

const QUEUE = 'work';
const WORKER_NAME = 'the-same';

/** Plays a scenario with a worker of one language, with one slot. */
export async function play(scenario: Scenario, language: Language): Promise<Outcome> {
  const system = new System();
  try {
    const monitor = await Monitor.open(system.redis, system.prefix);
    const stage = { system, monitor, queue: system.queue(QUEUE), flows: system.flows() };
    await stage.queue.waitUntilReady();
    await scenario.before?.(stage);
    const before = await monitor.settled();
    const name = scenario.worker && 'name' in scenario.worker ? undefined : WORKER_NAME;
    const worker = await startWorker(system, language, name, scenario.worker);
    await scenario.during?.(stage);
    await waitFor(`end of "${scenario.name}" in ${language}`, () => (scenario.isOver ?? allSettled)(stage), {
      state: () => stage.queue.getJobCounts(),
    });
    await system.workerIsIdle(QUEUE, name);
    await worker.stop();
    const commands = (await monitor.settled()).slice(before.length);
    monitor.close();
    // With a short interval it is there or not, as the moment of the last check would have it.
    const state = await takeSnapshot(system, scenario.worker?.stalledIntervalMs === undefined ? [] : ['stalled-check']);
    return { state, calls: scriptCalls(commands, system.prefix) };
  } finally {
    await system.end();
  }
}

async function startWorker(
  system: System,
  language: Language,
  name: string | undefined,
  settings: Scenario['worker'] = {},
): Promise<{ stop(): Promise<void> }> {
  const { lockMs = 30_000, stalledIntervalMs = 30_000, maxStalledCount = 1 } = settings;
  if (language === 'python') {
    return system.startWorker('processors.py', {
      queue: QUEUE,
      concurrency: 1,
      lock_duration_ms: lockMs,
      stalled_interval_ms: stalledIntervalMs,
      max_stalled_count: maxStalledCount,
      ...(name !== undefined && { name }),
    });
  }
  const worker = await system.nodeWorker(QUEUE, runProcessor, {
    concurrency: 1,
    lockDuration: lockMs,
    stalledInterval: stalledIntervalMs,
    maxStalledCount,
    ...(name !== undefined && { name }),
  });
  return { stop: () => worker.close() };
}

async function allSettled({ queue }: Stage): Promise<boolean> {
  const open = ['wait', 'active', 'delayed', 'prioritized', 'waiting-children'] as const;
  return (await queue.getJobCountByTypes(...open)) === 0;
}
