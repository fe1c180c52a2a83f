import { join } from 'node:path';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { type Application, type ApplicationOptions, createApplication } from '../application.js';
import { loadConfig } from '../config.js';
import { openDatabase } from '../database/open.js';
import { call, upload } from './api.js';
import { writeZip } from './archives.js';
import { temporaryFolder } from './folder.js';

/** Timings that suit a test: what takes ten seconds in earnest takes a fraction of one here. */
export const quick = { leaseMs: 400, reconcileIntervalMs: 50 };

/** Settings, database and storage that several backends of one test share, one after the other or at once. */
export async function systemFixture(environment: Record<string, string>) {
  const folder = temporaryFolder();
  const settings: Record<string, string> & { DATABASE_URL: string } = {
    DATABASE_URL: `sqlite:///${join(folder, 'test.db')}`,
    STORAGE_DIR: join(folder, 'storage'),
    LOG_LEVEL: 'silent',
    ...environment,
  };
  const database = await openDatabase(settings.DATABASE_URL);
  onTestFinished(() => database.destroy());

  /** Starts a backend in this process, on a free port. */
  async function startBackend(options: ApplicationOptions = quick) {
    const application: Application = await createApplication(loadConfig(settings, []), {
      logger: pino({ level: 'silent' }),
      ...options,
    });
    const baseUrl = await application.server.listen({ port: 0, host: '127.0.0.1' });
    let closed: Promise<void> | undefined;
    const close = () => {
      closed ??= application.close();
      return closed;
    };
    onTestFinished(close);
    return { ...application, baseUrl, close };
  }

  /** Uploads an archive with these files. */
  async function uploadFiles(baseUrl: string, files: Readonly<Record<string, string>>): Promise<string> {
    const { status, body } = await upload(baseUrl, await writeZip(join(folder, 'upload.zip'), files));
    if (status !== 201) throw new Error(`upload answered ${status}: ${JSON.stringify(body)}`);
    return body.id;
  }

  const start = (baseUrl: string, id: string) => call(baseUrl, 'POST', `/api/batches/${id}/process`);
  const show = async (baseUrl: string, id: string) => (await call(baseUrl, 'GET', `/api/batches/${id}`)).body;
  return { folder, settings, database, startBackend, uploadFiles, start, show };
}
