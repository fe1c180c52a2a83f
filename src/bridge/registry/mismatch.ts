import type { PastVerdict } from '../compatibility/past-verdict.js';
import type { AnnouncedJob, Announcement } from './announcement.js';

/** A live producer and a live worker that are not made for each other. */
export interface Mismatch {
  readonly producer: string;
  readonly worker: string;
  readonly job: string;
  /** What `bullmq-bridge check` says of the two versions, and what to do. */
  readonly report: string;
}

/** What the contracts of a producer and a worker disagree about. The Python side judges the same (`worker/mismatch.py`). */
export function mismatches(queue: string, producer: Announcement, worker: Announcement): Mismatch[] {
  return Object.entries(producer.jobs).flatMap(([job, written]) => {
    const report = reportOn(`${queue} / ${job}`, written, own(worker.jobs, job));
    return report === undefined ? [] : [{ producer: producer.who, worker: worker.who, job, report }];
  });
}

function reportOn(name: string, written: AnnouncedJob, read: AnnouncedJob | undefined): string | undefined {
  if (read === undefined) {
    return (
      `${name}: consumers first\n` +
      '  The worker does not know the job: it fails it for good, as unknown_job.\n' +
      'Deploy consumers that know the job first, or stop the producers that still add it.'
    );
  }
  if (read.fingerprint === written.fingerprint) {
    return undefined;
  }
  // Whichever is the newer one has the other in its history, and knows who of them has to be there first. After a rollback
  // both may: the worker also knows of its upcasters.
  const asNewer = own(read.past, written.fingerprint);
  if (asNewer !== undefined) {
    return reportIfWaiting('producers', asNewer);
  }
  const asOlder = own(written.past, read.fingerprint);
  if (asOlder !== undefined) {
    return reportIfWaiting('consumers', asOlder);
  }
  return (
    `${name}: breaking\n` +
    '  The worker and the producer have different versions, and neither has the other in its history: whether they go ' +
    'together cannot be decided, so it counts as if they did not.\n' +
    'Keep the history that `bullmq-bridge emit` writes, and deploy it with the contract.'
  );
}

/** What is said where the other side, the older one, had to be replaced before. */
function reportIfWaiting(side: string, { data, result, report }: PastVerdict): string | undefined {
  const waits = [data, result].some((verdict) => verdict.startsWith(side) || verdict === 'breaking');
  return waits ? report : undefined;
}

/** A job may be called `constructor`. */
function own<Value>(record: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
