import type { Config } from '../config.js';
import type { BatchEvents } from '../events/batch-events.js';
import type { Transport } from '../transport.js';
import { DirectDispatcher } from './dispatcher.js';
import { HttpWorker } from './http-worker.js';

/** Works by calling the HTTP worker (`USE_QUEUE=false`). */
export function directTransport(config: Config, events: BatchEvents): Transport {
  const worker = new HttpWorker(config.workerUrl);
  const dispatcher = new DirectDispatcher({ worker, concurrency: config.workerConcurrency, events });
  return {
    dispatcher,
    checks: { worker: () => worker.ping() },
    readStats: async () => ({ mode: dispatcher.mode, ...dispatcher.stats() }),
    close: async () => {},
  };
}
