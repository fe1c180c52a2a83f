import { setTimeout as wait } from 'node:timers/promises';
import type { z } from 'zod';
import { fileProcessing } from '../../jobs/file-processing.js';
import { type BatchWork, type Dispatcher, WorkFailed, type WorkState } from '../dispatch/dispatcher.js';
import { Slots } from '../dispatch/slots.js';
import type { BatchEvents, JobSubjectFields } from '../events/batch-events.js';
import type { HttpWorker, WorkerAnswer } from './http-worker.js';

/** Statuses that say the same however often one asks: no such document, unreadable, or not understood. */
const finalStatuses = new Set([400, 404, 405, 409, 411, 413, 415, 422]);

/** What a {@link DirectDispatcher} needs. */
export interface DirectOptions {
  readonly worker: HttpWorker;
  /** How many documents are processed at the same time, those of all batches together. */
  readonly concurrency: number;
  readonly events: BatchEvents;
  /** Wait before each further attempt, in milliseconds; default: what the contract says for the queue. */
  readonly retryDelayMs?: number;
}

/** Counters of the work in this process. */
export interface DirectStats {
  readonly active: number;
  readonly waiting: number;
}

/**
 * Works without a queue, as before the migration: calls the HTTP worker for every document and then for the aggregate.
 * Attempts, their delays and the check of results are those of the contract, so a batch ends as it would with the queue;
 * what is missing is everything that needs a queue: other machines, and surviving a crash without starting again.
 */
export class DirectDispatcher implements Dispatcher {
  readonly mode = 'direct';
  readonly #worker: HttpWorker;
  readonly #events: BatchEvents;
  readonly #slots: Slots;
  readonly #retryDelayMs: number | undefined;
  #active = 0;
  #waiting = 0;

  constructor(options: DirectOptions) {
    this.#worker = options.worker;
    this.#events = options.events;
    this.#slots = new Slots(options.concurrency);
    this.#retryDelayMs = options.retryDelayMs;
  }

  async dispatch({ batchId, docIds }: BatchWork, signal: AbortSignal): Promise<void> {
    const settled = await Promise.allSettled(docIds.map((docId) => this.#inSlot(batchId, docId, signal)));
    const reasons: Record<string, string> = {};
    for (const [index, one] of settled.entries()) {
      // A failed document is an ordinary outcome. What is thrown is about the whole batch: stop before the aggregate.
      if (one.status === 'rejected') throw one.reason;
      if (one.value.failure !== undefined) reasons[docIds[index] as string] = one.value.failure;
    }
    const aggregate: JobSubjectFields = { job: 'aggregate-batch' };
    // With the queue, the aggregate reads the reasons of its failed children from there.
    const outcome = await this.#call(batchId, aggregate, { batch_id: batchId, reasons }, signal);
    if (outcome.failure !== undefined) throw new WorkFailed(`aggregate-batch failed: ${outcome.failure}`);
  }

  /** Work lives and dies with the process that does it, under its lease: what nobody holds is unknown. */
  async stateOf(): Promise<WorkState> {
    return { state: 'unknown' };
  }

  stats(): DirectStats {
    return { active: this.#active, waiting: this.#waiting };
  }

  async #inSlot(batchId: string, docId: string, signal: AbortSignal): Promise<{ failure?: string }> {
    this.#waiting += 1;
    let started = false;
    try {
      return await this.#slots.run(async () => {
        started = true;
        this.#waiting -= 1;
        this.#active += 1;
        return this.#call(batchId, { job: 'process-file', doc_id: docId }, { doc_id: docId }, signal);
      }, signal);
    } finally {
      if (started) this.#active -= 1;
      else this.#waiting -= 1;
    }
  }

  async #call(
    batchId: string,
    subject: JobSubjectFields,
    content: unknown,
    signal: AbortSignal,
  ): Promise<{ failure?: string }> {
    const { options, result } = fileProcessing.jobs[subject.job];
    const attempts = options.attempts ?? 1;
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.#attempt(subject.job, content, result, signal);
      if ('result' in outcome) {
        this.#events.publish(batchId, { type: 'completed', data: { ...subject, result: outcome.result } });
        return {};
      }
      if (outcome.final || attempt >= attempts) {
        this.#events.publish(batchId, { type: 'failed', data: { ...subject, reason: outcome.failure } });
        return { failure: outcome.failure };
      }
      await wait(this.#retryDelayMs ?? backoffMs(options.backoff, attempt), undefined, { signal });
    }
  }

  async #attempt(
    job: keyof typeof fileProcessing.jobs,
    content: unknown,
    resultSchema: z.ZodType,
    signal: AbortSignal,
  ): Promise<{ result: unknown } | { failure: string; final: boolean }> {
    let answer: WorkerAnswer;
    try {
      answer = await this.#worker.post(`/${job}`, content, signal);
    } catch (error) {
      signal.throwIfAborted();
      return { failure: `the worker cannot be reached: ${describe(error)}`, final: false };
    }
    const { status, body } = answer;
    // In queue mode the worker answers this for everything: not an outcome of the document but of the set-up.
    if (status === 409) throw new WorkFailed(`the worker refuses to process over HTTP: ${errorText(body)}`);
    if (status !== 200) return { failure: errorText(body), final: finalStatuses.has(status) };
    const result = resultSchema.safeParse(body);
    if (result.success) return { result: result.data };
    const paths = result.error.issues.map((issue) => `${issue.path.join('.') || '(root)'}: ${issue.message}`);
    return { failure: `the result breaks the contract: ${paths.join('; ')}`, final: true };
  }
}

function backoffMs(backoff: { type: string; delay?: number } | number | undefined, attempt: number): number {
  if (typeof backoff !== 'object') return backoff ?? 0;
  const delay = backoff.delay ?? 0;
  return backoff.type === 'exponential' ? delay * 2 ** (attempt - 1) : delay;
}

function errorText(body: unknown): string {
  const error = typeof body === 'object' && body !== null && 'error' in body ? body.error : undefined;
  return typeof error === 'string' && error !== '' ? error : 'the worker gave no reason';
}

// A refused connection to a name with several addresses is an AggregateError with an empty message.
function describe(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return describe(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
