import { type JobQueueEvents, redact } from '../../bridge/index.js';
import { fileProcessing } from '../../jobs/file-processing.js';
import type { Documents } from '../database/documents.js';
import type { BatchEvent, BatchEvents, JobSubjectFields } from '../events/batch-events.js';
import type { Log } from '../log.js';
import { parseJobId } from './job-ids.js';

/** What a {@link QueueListener} works with. */
export interface QueueListenerOptions {
  readonly queueEvents: JobQueueEvents<typeof fileProcessing>;
  readonly documents: Documents;
  readonly events: BatchEvents;
  readonly log: Log;
  /** Called when an aggregate has failed and will not be tried again. */
  readonly aggregateFailed: (batchId: string) => void;
}

type OfOneJob = {
  readonly type: 'progress' | 'completed' | 'failed';
  readonly data: { readonly [name: string]: unknown };
};

const mostRemembered = 10_000;

/** Translates the events of the queue's jobs into those of batches. */
export class QueueListener {
  readonly #options: QueueListenerOptions;
  /** Which batch a document belongs to. The oldest are forgotten, and asked for again when they are needed. */
  readonly #batchOfDocument = new Map<string, string>();
  #turn: Promise<void> = Promise.resolve();

  constructor(options: QueueListenerOptions) {
    this.#options = options;
    const { queueEvents, aggregateFailed } = options;
    queueEvents
      .on('progress', ({ jobId, data }) => this.#hear(jobId, { type: 'progress', data: { progress: data } }))
      .on('completed', ({ jobId, returnvalue }) =>
        this.#hear(jobId, { type: 'completed', data: { result: returnvalue } }),
      )
      .on('failed', ({ jobId, failedReason }) => {
        this.#hear(jobId, { type: 'failed', data: { reason: failedReason } });
        const subject = parseJobId(jobId);
        if (subject !== undefined && 'batchId' in subject) aggregateFailed(subject.batchId);
      })
      // Connection errors: reported once by the connection of the queue itself.
      .on('error', () => {});
  }

  #hear(jobId: string, event: OfOneJob): void {
    const { events, log } = this.#options;
    if (events.size === 0) return;
    // One after the other, so that a look into the database does not change their order.
    this.#turn = this.#turn
      .then(() => this.#publish(jobId, event))
      .catch((error: unknown) => log.warn({ err: error, jobId }, 'event of a job was not passed on'));
  }

  async #publish(jobId: string, { type, data }: OfOneJob): Promise<void> {
    const subject = parseJobId(jobId);
    if (subject === undefined) return;
    const isFile = 'docId' in subject;
    const batchId = isFile ? await this.#findBatch(subject.docId) : subject.batchId;
    if (batchId === undefined) return;
    const fields: JobSubjectFields = isFile
      ? { job: 'process-file', doc_id: subject.docId }
      : { job: 'aggregate-batch' };
    // The page shows it: without what the contract marks as secret.
    const shown = 'result' in data ? { result: redact(fileProcessing, fields.job, 'result', data.result) } : data;
    this.#options.events.publish(batchId, { type, data: { ...fields, ...shown } } as BatchEvent);
  }

  async #findBatch(docId: string): Promise<string | undefined> {
    const known = this.#batchOfDocument.get(docId);
    if (known !== undefined) return known;
    const document = await this.#options.documents.find(docId);
    if (document === undefined) return undefined;
    this.#batchOfDocument.set(docId, document.batch_id);
    const [oldest] = this.#batchOfDocument.keys();
    if (this.#batchOfDocument.size > mostRemembered && oldest !== undefined) this.#batchOfDocument.delete(oldest);
    return document.batch_id;
  }
}
