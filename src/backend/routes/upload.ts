import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import multipart from '@fastify/multipart';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { inspectArchive } from '../archive/inspect.js';
import type { ArchiveLimits } from '../archive/limits.js';
import { ArchiveRefused } from '../archive/refusal.js';
import type { Batches } from '../database/batches.js';
import type { Storage } from '../storage.js';
import { HttpError } from './errors.js';

/** What the upload works with. */
export interface UploadOptions {
  readonly batches: Batches;
  readonly storage: Storage;
  readonly archiveLimits: ArchiveLimits;
  readonly maxUploadBytes: number;
}

/**
 * `POST /api/batches`: one ZIP file as multipart/form-data, streamed to storage and judged there.
 * 201 `{id, status}` when it was taken; 422 `{id, status, reason}` when it was refused.
 */
export async function uploadRoutes(app: FastifyInstance, options: UploadOptions): Promise<void> {
  const { batches, storage, archiveLimits, maxUploadBytes } = options;
  await app.register(multipart, {
    limits: { files: 1, parts: 20, fields: 19, fieldSize: 64 * 1024, fileSize: maxUploadBytes },
  });

  app.post('/api/batches', async (request, reply) => {
    const id = randomUUID();
    const { filename, storagePath } = await receive(request, id);
    try {
      await inspectArchive(storagePath, archiveLimits);
    } catch (error) {
      await storage.removeBatch(storagePath);
      if (!(error instanceof ArchiveRefused)) throw error;
      const reason = error.message;
      await batches.insert({ id, filename, storagePath, status: 'rejected', reason });
      request.log.warn({ batchId: id, reason }, 'upload rejected');
      return reply.code(422).send({ id, status: 'rejected', reason });
    }
    try {
      await batches.insert({ id, filename, storagePath, status: 'queued' });
    } catch (error) {
      await storage.removeBatch(storagePath);
      throw error;
    }
    return reply.code(201).send({ id, status: 'queued' });
  });

  async function receive(request: FastifyRequest, id: string): Promise<{ filename: string; storagePath: string }> {
    if (!request.isMultipart()) throw new HttpError(415, 'Send the ZIP file as multipart/form-data');
    let received: { filename: string; storagePath: string } | undefined;
    try {
      for await (const part of request.parts()) {
        if (part.type !== 'file') continue;
        // At the limit the stream ends without an error; what still comes is read and thrown away, so that the client
        // can finish sending and hear why.
        const storagePath = await storage.saveUpload(id, part.file);
        received = { filename: displayName(part.filename), storagePath };
        if (part.file.truncated) throw new HttpError(413, `The file is larger than ${maxUploadBytes} bytes`);
      }
    } catch (error) {
      if (received !== undefined) await storage.removeBatch(received.storagePath);
      if (isLimit(error)) throw new HttpError(400, 'Send one ZIP file and nothing else', { cause: error });
      throw error;
    }
    if (received === undefined) throw new HttpError(400, 'The form holds no file');
    return received;
  }
}

/** The client's name for the file, for people to read: without folders and control characters, at most 255 long. */
function displayName(filename: string): string {
  const name = basename(filename.replaceAll('\\', '/'));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
  return name.replace(/[\u0000-\u001f\u007f]/g, '').slice(0, 255) || 'upload.zip';
}

function isLimit(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'FST_FILES_LIMIT' || code === 'FST_PARTS_LIMIT' || code === 'FST_FIELDS_LIMIT';
}
