import { JobQueue, JobQueueEvents } from '../../bridge/index.js';
import { fileProcessing } from '../../jobs/file-processing.js';
import type { Config } from '../config.js';
import type { Batches } from '../database/batches.js';
import type { Documents } from '../database/documents.js';
import type { BatchEvents } from '../events/batch-events.js';
import type { Log } from '../log.js';
import type { Transport } from '../transport.js';
import { connectRedis, requireRedis } from './connection.js';
import { QueueDispatcher } from './dispatcher.js';
import { QueueListener } from './listener.js';
import { QueueService } from './service.js';
import { readQueueStats } from './stats.js';

/** What {@link queueTransport} works with. */
export interface QueueTransportOptions {
  readonly config: Pick<Config, 'redisUrl' | 'queuePrefix' | 'announceContract' | 'contractDir'>;
  readonly batches: Batches;
  readonly documents: Documents;
  readonly events: BatchEvents;
  readonly log: Log;
  /** Called when an aggregate has failed and will not be tried again. */
  readonly aggregateFailed: (batchId: string) => void;
}

/** The transport through the queue, and the service for running work again. */
export interface QueueTransport extends Transport {
  readonly service: QueueService;
}

/** Works through the queue (`USE_QUEUE=true`). Does not wait for Redis: it may come later. */
export function queueTransport(options: QueueTransportOptions): QueueTransport {
  const { config, batches, documents, events, log, aggregateFailed } = options;
  const redis = connectRedis(config.redisUrl, log);
  const settings = { connection: redis, prefix: config.queuePrefix };
  const queue = new JobQueue(fileProcessing, {
    ...settings,
    ...(config.announceContract && { announce: { schemas: config.contractDir } }),
  });
  if (config.announceContract) {
    // The backend works without workers, and waits for those that can read its jobs: stats go on saying what is wrong.
    queue.announced().catch((error: unknown) => log.warn({ err: error }, 'the contract was announced in vain'));
  }
  const queueEvents = new JobQueueEvents(fileProcessing, settings);
  // The connection reports its state itself.
  queue.bullmq.on('error', () => {});
  new QueueListener({ queueEvents, documents, events, log, aggregateFailed });
  const service = new QueueService({ queue, redis, batches, documents });
  const dispatcher = new QueueDispatcher(service, queue, redis);
  return {
    service,
    dispatcher,
    checks: { redis: () => requireRedis(redis) },
    readStats: async () => {
      await requireRedis(redis);
      const stats = { mode: dispatcher.mode, ...(await readQueueStats(queue.bullmq, redis)) };
      return config.announceContract ? { ...stats, registry: await queue.registry() } : stats;
    },
    close: async () => {
      // An orderly end needs Redis: without it, closing would wait for a connection.
      if (redis.status === 'ready') await queueEvents.close();
      else await queueEvents.bullmq.getBackend().close(true);
      await queue.close();
      redis.disconnect();
    },
  };
}
