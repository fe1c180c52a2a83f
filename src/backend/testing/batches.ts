import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { defaultArchiveLimits } from '../archive/limits.js';
import { Batches } from '../database/batches.js';
import { Documents } from '../database/documents.js';
import { openDatabase } from '../database/open.js';
import type { Batch } from '../database/schema.js';
import type { BatchWork, Dispatcher, WorkState } from '../dispatch/dispatcher.js';
import { type BatchEvent, BatchEvents } from '../events/batch-events.js';
import type { Log } from '../log.js';
import { Storage } from '../storage.js';
import { type RawEntry, writeRawZip, writeZip } from './archives.js';
import { temporaryFolder } from './folder.js';

/** A dispatcher that writes down what it gets, and otherwise does what the test says. */
export class RecordingDispatcher implements Dispatcher {
  readonly mode = 'queue';
  readonly dispatched: BatchWork[] = [];
  state: WorkState = { state: 'unknown' };
  onDispatch: (work: BatchWork, signal: AbortSignal) => Promise<void> = async () => {};

  async dispatch(work: BatchWork, signal: AbortSignal): Promise<void> {
    await this.onDispatch(work, signal);
    this.dispatched.push(work);
  }

  async stateOf(): Promise<WorkState> {
    return this.state;
  }
}

/** A log that can be asked what it was told. */
export class RecordingLog implements Log {
  readonly messages: string[] = [];

  info(_fields: object, message: string): void {
    this.messages.push(message);
  }

  warn(_fields: object, message: string): void {
    this.messages.push(message);
  }

  error(_fields: object, message: string): void {
    this.messages.push(message);
  }
}

/** Database, storage and the rest, in a temporary folder, for one test. */
export async function batchFixture() {
  const folder = temporaryFolder();
  const databaseUrl = `sqlite:///${join(folder, 'test.db')}`;
  const database = await openDatabase(databaseUrl);
  onTestFinished(() => database.destroy());
  const storageDir = join(folder, 'storage');
  const storage = new Storage(storageDir);
  const batches = new Batches(database);
  const log = new RecordingLog();

  async function addBatch(write: (path: string) => Promise<string>): Promise<string> {
    const id = randomUUID();
    const storagePath = storage.uploadPath(id);
    mkdirSync(dirname(storagePath), { recursive: true });
    await write(storagePath);
    await batches.insert({ id, filename: 'upload.zip', storagePath, status: 'queued' });
    return id;
  }

  return {
    folder,
    databaseUrl,
    database,
    batches,
    documents: new Documents(database),
    storageDir,
    storage,
    archiveLimits: defaultArchiveLimits,
    events: new BatchEvents(),
    log,
    /** Stores an ordinary archive and its `queued` row. */
    addBatch: (files: Readonly<Record<string, string>>) => addBatch((path) => writeZip(path, files)),
    /** Stores an archive that inspection would have refused, or that lies. */
    addRawBatch: (entries: readonly RawEntry[]) => addBatch((path) => writeRawZip(path, entries)),
    async read(id: string): Promise<Batch> {
      const batch = await batches.find(id);
      if (batch === undefined) throw new Error(`there is no batch ${id}`);
      return batch;
    },
    /** Lets the lease of a batch look as if its holder had been dead for a minute. */
    async abandon(id: string): Promise<void> {
      await database
        .updateTable('batches')
        .set((row) => ({ updated_at: row('updated_at', '-', 60_000) }))
        .where('id', '=', id)
        .execute();
    },
  };
}

/** Collects what is published about a batch. */
export function collectEvents(events: BatchEvents, batchId: string): BatchEvent[] {
  const seen: BatchEvent[] = [];
  events.subscribe(batchId, (event) => seen.push(event));
  return seen;
}
