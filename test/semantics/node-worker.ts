import type { Job, Queue } from 'bullmq';
import type { System } from '../support/system.js';
import { processorOf } from './processors.js';
import type { RunningWorker, Settings } from './twins.js';

/** Starts a worker of BullMQ itself. */
export async function startNodeWorker(system: System, queue: Queue, settings: Settings): Promise<RunningWorker> {
  const { metricsPoints, backoffs, lockMs, stalledIntervalMs, ...options } = settings;
  const worker = await system.nodeWorker(queue.name, processorOf(queue), {
    ...options,
    autorun: false,
    ...(lockMs !== undefined && { lockDuration: lockMs }),
    ...(stalledIntervalMs !== undefined && { stalledInterval: stalledIntervalMs }),
    ...(metricsPoints !== undefined && { metrics: { maxDataPoints: metricsPoints } }),
    ...(backoffs !== undefined && {
      settings: { backoffStrategy: (attempt: number, type = '') => backoffs[type]?.[attempt - 1] ?? 0 },
    }),
  });
  const told: string[] = [];
  for (const event of ['ready', 'drained', 'paused', 'resumed', 'closing', 'closed'] as const) {
    worker.on(event, () => told.push(event));
  }
  for (const event of ['active', 'progress', 'completed', 'failed'] as const) {
    worker.on(event, (job: Job | undefined) => told.push(`${event} ${job?.id}`));
  }
  // Not before somebody listens.
  void worker.run();
  return {
    told: () => [...told],
    pause: () => worker.pause(true),
    resume: () => worker.resume(),
    setConcurrency: async (concurrency) => {
      worker.concurrency = concurrency;
    },
    cancel: async (jobId, reason) => worker.cancelJob(jobId, reason),
    close: () => worker.close(),
  };
}
