// Ids come from batch and run number: handing the same run over twice makes the same jobs, and BullMQ keeps the first;
// a new run makes new jobs, which BullMQ would otherwise swallow in silence. No id may contain a colon.

/** Id of the `aggregate-batch` job of a run. */
export function aggregateJobId(batchId: string, run: number): string {
  return `batch-${batchId}-run-${run}`;
}

/** Id of the `process-file` job of a document in a run. `again` tells apart what is enqueued once more in the same run. */
export function fileJobId(docId: string, run: number, again?: string): string {
  return `file-${docId}-run-${run}${again === undefined ? '' : `-${again}`}`;
}

/** What a job id of ours stands for; nothing for others' jobs. */
export type JobSubject = { readonly batchId: string } | { readonly docId: string };

/** Reads a job id back. */
export function parseJobId(jobId: string): JobSubject | undefined {
  const [, kind, id] = /^(batch|file)-(.+)-run-\d+(?:-[0-9a-f]{8})?$/.exec(jobId) ?? [];
  if (id === undefined) return undefined;
  return kind === 'batch' ? { batchId: id } : { docId: id };
}
