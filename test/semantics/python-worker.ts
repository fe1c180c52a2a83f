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
}

/** Starts a worker of coroutine functions in the Python process. A worker that misses a wake-up sleeps on for good. */
export async function startPythonWorker(
  host: PythonHost,
  system: System,
  queue: Queue,
  settings: Settings,
): Promise<HostedWorker> {
  const id = randomUUID();
  const { limiter, lockMs } = settings;
  const python = {
    queue: queue.name,
    prefix: system.prefix,
    redis_url: system.url,
    concurrency: settings.concurrency ?? 1,
    drain_delay_s: 600,
    name: settings.name,
    limiter: limiter && { max_jobs: limiter.max, duration_ms: limiter.duration },
    lock_duration_ms: lockMs,
    max_started_attempts: settings.maxStartedAttempts,
    remove_on_complete: settings.removeOnComplete,
    remove_on_fail: settings.removeOnFail,
    max_metrics_points: settings.metricsPoints,
  };
  await host.call('start', { worker: id, settings: python, backoffs: settings.backoffs ?? {} });
  let closing: Promise<unknown> | undefined;
  return {
    id,
    events: (event) => host.events(id).filter((told) => event === undefined || told.event === event),
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
