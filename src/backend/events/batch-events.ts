/** Something that happened to a job of a batch, in the words of the stream that the browser reads. */
export type BatchEvent =
  | { readonly type: 'progress'; readonly data: JobSubjectFields & { readonly progress: unknown } }
  | { readonly type: 'completed'; readonly data: JobSubjectFields & { readonly result: unknown } }
  | { readonly type: 'failed'; readonly data: JobSubjectFields & { readonly reason: string } }
  /** The row has changed: read it. */
  | { readonly type: 'changed' };

/** Which job: a document's, or the aggregate of the batch. */
export type JobSubjectFields =
  | { readonly job: 'process-file'; readonly doc_id: string }
  | { readonly job: 'aggregate-batch' };

export type BatchListener = (event: BatchEvent) => void;

/** Brings what happens in this process, or was heard from the queue, to whoever watches a batch. */
export class BatchEvents {
  readonly #listeners = new Map<string, Set<BatchListener>>();

  /** How many are listening, to all batches together. */
  get size(): number {
    let size = 0;
    for (const listeners of this.#listeners.values()) size += listeners.size;
    return size;
  }

  /** @returns a function that ends the subscription. */
  subscribe(batchId: string, listener: BatchListener): () => void {
    const listeners = this.#listeners.get(batchId) ?? new Set();
    this.#listeners.set(batchId, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(batchId) === listeners) this.#listeners.delete(batchId);
    };
  }

  publish(batchId: string, event: BatchEvent): void {
    for (const listener of [...(this.#listeners.get(batchId) ?? [])]) listener(event);
  }
}
