import type { PastVerdicts } from '../compatibility/past-verdict.js';

/** What a producer or a worker says of one job of its contract. */
export interface AnnouncedJob {
  readonly fingerprint: string;
  /** What `check` says of the versions that the contract once had. */
  readonly past: PastVerdicts;
  /** Of a worker: whether it has a processor for the job. */
  readonly processor?: boolean;
}

/** What a producer or a worker tells the others of itself, for as long as it lives. */
export interface Announcement {
  /** Host and process, for people. */
  readonly who: string;
  readonly jobs: Readonly<Record<string, AnnouncedJob>>;
}
