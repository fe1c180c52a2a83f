import type { FastifyInstance } from 'fastify';
import { type Logger, pino } from 'pino';
import type { Config } from './config.js';
import { Batches } from './database/batches.js';
import { Documents } from './database/documents.js';
import { openDatabase } from './database/open.js';
import { directTransport } from './direct/transport.js';
import { BatchEvents } from './events/batch-events.js';
import { BatchStreams } from './events/batch-stream.js';
import { type Checkpoints, Orchestrator } from './orchestrator/orchestrator.js';
import { Reconciler } from './orchestrator/reconciler.js';
import type { QueueService } from './queue/service.js';
import { queueTransport } from './queue/transport.js';
import { buildServer } from './server.js';
import { Storage } from './storage.js';
import type { Transport } from './transport.js';

/** What may be set from code, for tests above all. */
export interface ApplicationOptions {
  readonly logger?: Logger;
  /** Age at which a batch that nobody works on is taken over. */
  readonly leaseMs?: number;
  readonly reconcileIntervalMs?: number;
  readonly checkpoints?: Checkpoints;
}

/** The backend with all its parts. */
export interface Application {
  readonly server: FastifyInstance;
  readonly orchestrator: Orchestrator;
  readonly transport: Transport;
  /** For running documents and aggregates again; only with the queue. */
  readonly queueService: QueueService | undefined;
  /** Stops everything in order: no new requests, no new work, then the connections. */
  close(): Promise<void>;
}

/**
 * Opens the database, brings its tables up to date and puts the parts together. The server does not listen yet; the
 * reconciler runs already.
 *
 * @throws MigrationError, or the database's own error when it cannot be opened.
 */
export async function createApplication(config: Config, options: ApplicationOptions = {}): Promise<Application> {
  const logger = options.logger ?? pino({ level: config.logLevel });
  const database = await openDatabase(config.databaseUrl);
  const batches = new Batches(database);
  const documents = new Documents(database);
  const storage = new Storage(config.storageDir);
  const events = new BatchEvents();
  const queued = config.useQueue
    ? queueTransport({
        config,
        batches,
        documents,
        events,
        log: logger,
        aggregateFailed: (id) => reconciler.examine(id),
      })
    : undefined;
  const transport = queued ?? directTransport(config, events);
  const { dispatcher } = transport;
  const { archiveLimits, maxUploadBytes } = config;
  const orchestrator = new Orchestrator({
    batches,
    documents,
    storage,
    archiveLimits,
    dispatcher,
    events,
    log: logger,
    leaseMs: options.leaseMs,
    checkpoints: options.checkpoints,
  });
  const reconciler = new Reconciler({
    batches,
    dispatcher,
    orchestrator,
    events,
    log: logger,
    intervalMs: options.reconcileIntervalMs,
  });
  const streams = new BatchStreams({ batches, events });
  const server = await buildServer({
    batches,
    documents,
    storage,
    archiveLimits,
    maxUploadBytes,
    orchestrator,
    streams,
    mode: dispatcher.mode,
    checks: { database: () => batches.ping(), ...transport.checks },
    readStats: () => transport.readStats(),
    logger,
  });
  reconciler.start();
  return {
    server,
    orchestrator,
    transport,
    queueService: queued?.service,
    close: async () => {
      await server.close();
      await reconciler.stop();
      await orchestrator.close();
      await transport.close();
      await database.destroy();
    },
  };
}
