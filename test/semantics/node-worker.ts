import type { Queue } from 'bullmq';
import type { System } from '../support/system.js';
import { processorOf } from './processors.js';
import type { RunningWorker, Settings } from './twins.js';

/** Starts a worker of BullMQ itself. */
export async function startNodeWorker(system: System, queue: Queue, settings: Settings): Promise<RunningWorker> {
  const { metricsPoints, backoffs, lockMs, ...options } = settings;
  const worker = await system.nodeWorker(queue.name, processorOf(queue), {
    ...options,
    ...(lockMs !== undefined && { lockDuration: lockMs }),
    ...(metricsPoints !== undefined && { metrics: { maxDataPoints: metricsPoints } }),
    ...(backoffs !== undefined && {
      settings: { backoffStrategy: (attempt: number, type = '') => backoffs[type]?.[attempt - 1] ?? 0 },
    }),
  });
  return {
    pause: () => worker.pause(true),
    resume: () => worker.resume(),
    setConcurrency: async (concurrency) => {
      worker.concurrency = concurrency;
    },
    cancel: async (jobId, reason) => worker.cancelJob(jobId, reason),
    close: () => worker.close(),
  };
}
