import { randomUUID } from 'node:crypto';
import type { Queue } from 'bullmq';
import type { System } from '../support/system.js';
import type { BusEvent, PythonHost } from './python-host.js';
import type { RunningWorker, Settings } from './twins.js';

/** A Python worker in the process of the tests' host. */
export interface HostedWorker extends RunningWorker {
  /** Its name in the host. */
  readonly id: string;
  /** What it has told on its bus so far; of one kind, if it is given. */
  events(event?: string): readonly BusEvent[];
  /** Ids of the processes in which it runs its jobs. */
  children(): Promise<number[]>;
}

/** Where a Python worker runs its jobs. */
export type Pool = 'async' | 'thread' | 'process';

/** Settings that only the Python worker has. */
export interface PythonSettings extends Settings {
  readonly pool?: Pool;
  readonly shutdownTimeoutS?: number;
  readonly timeLimitS?: number;
  readonly softTimeLimitS?: number;
  readonly maxMemoryMb?: number;
}

/** Starts a worker in the Python process. If it misses a wake-up, it sleeps on for good. */
export async function startPythonWorker(
  host: PythonHost,
  system: System,
  queue: Queue,
  settings: PythonSettings,
): Promise<HostedWorker> {
  const id = randomUUID();
  const { limiter, pool = 'async' } = settings;
  const python = {
    queue: queue.name,
    prefix: system.prefix,
    redis_url: system.url,
    concurrency: settings.concurrency ?? 1,
    drain_delay_s: 600,
    name: settings.name,
    limiter: limiter && { max_jobs: limiter.max, duration_ms: limiter.duration },
    lock_duration_ms: settings.lockMs,
    stalled_interval_ms: settings.stalledIntervalMs,
    max_stalled_count: settings.maxStalledCount,
    shutdown_timeout_s: settings.shutdownTimeoutS ?? 5,
    time_limit_s: settings.timeLimitS,
    soft_time_limit_s: settings.softTimeLimitS,
    max_memory_mb: settings.maxMemoryMb,
    max_started_attempts: settings.maxStartedAttempts,
    remove_on_complete: settings.removeOnComplete,
    remove_on_fail: settings.removeOnFail,
    max_metrics_points: settings.metricsPoints,
  };
  await host.call('start', { worker: id, pool, settings: python, backoffs: settings.backoffs ?? {} });
  let closing: Promise<unknown> | undefined;
  return {
    id,
    events: (event) => host.events(id).filter((told) => event === undefined || told.event === event),
    told: () => host.events(id).map(({ event, job }) => (job === null ? event : `${event} ${job}`)),
    children: () => host.call<number[]>('children', { worker: id }),
    pause: () => host.call('pause', { worker: id }),
    resume: () => host.call('resume', { worker: id }),
    setConcurrency: (concurrency) => host.call('set_concurrency', { worker: id, concurrency }),
    cancel: (job, reason) => host.call<boolean>('cancel', { worker: id, job, reason }),
    close: async () => {
      closing ??= host.call('close', { worker: id });
      await closing;
    },
  };
}
