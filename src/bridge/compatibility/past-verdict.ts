import type { Payload } from '../contract/wire.js';
import { REMEDIES, together, type Verdict } from './change.js';
import { contractChanges, type JobVersion, type PastVersion } from './contract-changes.js';
import { reportLines } from './report-text.js';

/** What `check` says of the change from an earlier version of a job to the current one. */
export interface PastVerdict {
  readonly data: Verdict;
  readonly result: Verdict;
  /** What it prints, and what to do; absent where any order is safe. */
  readonly report?: string;
}

/** Verdicts by the fingerprint of the earlier version. */
export type PastVerdicts = Readonly<Record<string, PastVerdict>>;

/** Judges the change from each earlier version of a job as if that still ran. */
export function pastVerdicts(current: JobVersion, earlier: readonly PastVersion[]): PastVerdicts {
  return Object.fromEntries(
    earlier
      .filter(({ fingerprint }) => fingerprint !== current.fingerprint)
      .map((version) => [version.fingerprint, verdictOn(version, current)]),
  );
}

function verdictOn(version: PastVersion, current: JobVersion): PastVerdict {
  const { queue, job, fingerprint: since } = version;
  const contracts = (one: JobVersion) => new Map([[queue, new Map([[job, one]])]]);
  const [report] = contractChanges(contracts(version), contracts(current));
  const of = (payload: Payload): Verdict =>
    together((report?.changes ?? []).filter((change) => change.payload === payload).map(({ verdict }) => verdict));
  const verdicts = { data: of('data'), result: of('result') };
  if (report === undefined || report.verdict === 'any order') {
    return verdicts;
  }
  const lines = reportLines({ ...report, since });
  return { ...verdicts, report: [...lines, REMEDIES[report.verdict]].join('\n') };
}
