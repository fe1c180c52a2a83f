import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { type BatchRoutesOptions, batchRoutes } from './routes/batches.js';
import { answerErrors } from './routes/errors.js';
import { type Check, healthRoutes } from './routes/health.js';
import { queueRoutes } from './routes/queue.js';
import { type UploadOptions, uploadRoutes } from './routes/upload.js';

/** What the HTTP API works with. */
export interface ServerOptions extends BatchRoutesOptions, UploadOptions {
  readonly mode: 'queue' | 'direct';
  readonly checks: Readonly<Record<string, Check>>;
  readonly readStats: () => Promise<object>;
  /** Where requests are logged; nowhere when left out. */
  readonly logger?: FastifyBaseLogger;
}

/** Builds the HTTP API; does not listen. */
export async function buildServer(options: ServerOptions): Promise<FastifyInstance> {
  const app = Fastify({
    ...(options.logger === undefined ? {} : { loggerInstance: options.logger }),
    // Uploads may be slow, but not endless, and a client that sends nothing at all may not hold a connection.
    requestTimeout: 30 * 60_000,
    connectionTimeout: 120_000,
    forceCloseConnections: 'idle',
  });
  answerErrors(app);
  await uploadRoutes(app, options);
  batchRoutes(app, options);
  queueRoutes(app, options.readStats);
  healthRoutes(app, options.mode, options.checks);
  // Without this, closing would wait for everyone who watches a batch.
  app.addHook('preClose', async () => options.streams.close());
  return app;
}
