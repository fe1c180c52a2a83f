import * as z from 'zod';
import { defineQueue, job } from '../bridge/index.js';

/** The work of the reference system: one `process-file` per document, then one `aggregate-batch` over all of them. */
export const fileProcessing = defineQueue('file-processing', {
  'process-file': job({
    data: z.object({
      doc_id: z.string().min(1).max(200).describe('Id of a row in `documents`.'),
    }),
    result: z.object({
      doc_id: z.string().min(1).max(200),
      media_type: z.string().min(1).describe('What the document turned out to be, for example application/pdf.'),
      bytes: z.int().min(0).describe('Size of the stored file.'),
      characters: z.int().min(0).describe('Length of the extracted text, before it is capped for storage.'),
      pages: z.int().min(0).nullable().describe('Pages of a PDF; null for formats without pages.'),
      sha256: z
        .string()
        .regex(/^[0-9a-f]{64}$/)
        .describe('Checksum of the stored file, in lower-case hex.'),
    }),
    options: {
      attempts: 3,
      backoff: { type: 'exponential', delay: 2_000 },
      priority: 'normal',
      removeOnComplete: { count: 100 },
      removeOnFail: { count: 1_000 },
    },
  }),
  'aggregate-batch': job({
    data: z.object({
      batch_id: z.string().min(1).max(200).describe('Id of a row in `batches`.'),
    }),
    result: z.object({
      batch_id: z.string().min(1).max(200),
      status: z.enum(['completed', 'completed_with_errors', 'failed']).meta({
        id: 'BatchOutcome',
        description: '`failed` when no document was read, `completed` when every one was.',
      }),
      files: z.int().min(0).describe('Documents in the batch.'),
      completed: z.int().min(0).describe('Documents that were extracted.'),
      failed: z.int().min(0).describe('Documents that could not be extracted.'),
    }),
    options: { attempts: 2, priority: 'high' },
  }),
});
