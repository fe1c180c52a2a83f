import type { FastifyInstance } from 'fastify';
import type { Batches } from '../database/batches.js';
import type { DocumentSummary, Documents } from '../database/documents.js';
import type { Batch } from '../database/schema.js';
import type { BatchStreams } from '../events/batch-stream.js';
import type { Orchestrator } from '../orchestrator/orchestrator.js';
import { HttpError } from './errors.js';

/** What the batch routes work with. */
export interface BatchRoutesOptions {
  readonly batches: Batches;
  readonly documents: Documents;
  readonly orchestrator: Orchestrator;
  readonly streams: BatchStreams;
}

interface BatchParams {
  Params: { id: string };
}

/** Processing, reading and watching batches. */
export function batchRoutes(app: FastifyInstance, options: BatchRoutesOptions): void {
  const { batches, documents, orchestrator, streams } = options;

  async function requireBatch(id: string): Promise<Batch> {
    const batch = await batches.find(id);
    if (batch === undefined) throw new HttpError(404, `There is no batch ${id}`);
    return batch;
  }

  app.post<BatchParams>('/api/batches/:id/process', async (request, reply) => {
    const { id } = request.params;
    const answer = await orchestrator.start(id);
    if (answer.started) return reply.code(202).send({ id, status: 'processing', run: answer.run });
    const { status, reason } = await requireBatch(id);
    throw new HttpError(409, refusal(id, status, reason));
  });

  app.get<BatchParams>('/api/batches/:id', async (request) => {
    const batch = await requireBatch(request.params.id);
    const files = await documents.ofBatch(batch.id);
    const { id, filename, status, reason, run, created_at, updated_at } = batch;
    const report: unknown = batch.report === null ? null : JSON.parse(batch.report);
    return { id, filename, status, reason, run, created_at, updated_at, files: files.map(showFile), report };
  });

  app.get<{ Params: { id: string; docId: string } }>('/api/batches/:id/files/:docId', async (request) => {
    const { id, docId } = request.params;
    const document = await documents.find(docId);
    if (document?.batch_id !== id) throw new HttpError(404, `There is no file ${docId} in batch ${id}`);
    const extracted: unknown = document.extracted === null ? null : JSON.parse(document.extracted);
    return { ...showFile(document), extracted };
  });

  app.get<BatchParams>('/api/batches/:id/events', async (request, reply) => {
    const batch = await requireBatch(request.params.id);
    return reply
      .header('content-type', 'text/event-stream; charset=utf-8')
      .header('cache-control', 'no-cache, no-transform')
      .header('x-accel-buffering', 'no')
      .send(streams.open(batch));
  });
}

function showFile(document: DocumentSummary): object {
  const { id, name, bytes, status, media_type, reason, updated_at } = document;
  return { doc_id: id, name, bytes, status, media_type, reason, updated_at };
}

function refusal(id: string, status: Batch['status'], reason: string | null): string {
  if (status === 'rejected') return `Batch ${id} was rejected: ${reason}`;
  if (status === 'processing') return `Batch ${id} is being processed already`;
  return `Batch ${id} has been processed already: it is ${status}`;
}
