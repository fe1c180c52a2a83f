/** What has to be done for one run of a batch: every document, and after all of them the aggregate, once. */
export interface BatchWork {
  readonly batchId: string;
  readonly run: number;
  /** Documents that still have to be processed; may be empty. */
  readonly docIds: readonly string[];
}

/** What has become of work that was handed over. */
export type WorkState =
  /** Nobody knows of it: never handed over, or lost. */
  | { readonly state: 'unknown' }
  | { readonly state: 'underway' }
  /** The aggregate has run. */
  | { readonly state: 'completed' }
  /** The aggregate has failed and will not be tried again. */
  | { readonly state: 'failed'; readonly reason: string };

/** Thrown by {@link Dispatcher.dispatch} when the work is over and has failed; the message is the batch's reason. */
export class WorkFailed extends Error {
  override readonly name = 'WorkFailed';
}

/** The two ways to get work to Python: through the queue, or by calling the HTTP worker. */
export interface Dispatcher {
  readonly mode: 'queue' | 'direct';
  /**
   * Hands work over: returns when it is safe elsewhere (queue) or done (direct). Handing the same work over twice does
   * no harm.
   *
   * @throws {@link WorkFailed}; any other error means that the work was not handed over and can be tried again.
   */
  dispatch(work: BatchWork, signal: AbortSignal): Promise<void>;
  /** What has become of a run that was, or may have been, handed over earlier. */
  stateOf(work: Pick<BatchWork, 'batchId' | 'run'>): Promise<WorkState>;
}
