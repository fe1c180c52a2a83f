import type { Change, Verdict } from './change.js';
import type { JobReport } from './contract-changes.js';

/** How a report is shown where it is printed. */
export interface Wording {
  paint(verdict: Verdict): string;
  /** Whether a change stops nobody. */
  isAllowed(change: Change): boolean;
  /** Lines about the job as a whole, before its changes. */
  readonly found: readonly string[];
}

const PLAIN: Wording = { paint: (verdict) => verdict, isAllowed: () => false, found: [] };

/** What people read of a report: what has changed for a job, and what that means. */
export function reportLines(job: JobReport, { paint, isAllowed, found }: Wording = PLAIN): string[] {
  return [
    `${nameOf(job)}: ${paint(job.verdict)}`,
    ...found.map((line) => `  ${line}`),
    ...job.changes.flatMap((change) => {
      const place = change.payload === undefined ? '' : ` at ${change.payload} ${change.pointer || '/'}`;
      const allowed = change.verdict !== 'any order' && isAllowed(change) ? ' (allowed)' : '';
      return [
        `  ${change.rule}${place}: ${paint(change.verdict)}${allowed}`,
        `    ${change.message}`,
        ...(change.witness === undefined ? [] : [`    For example: ${JSON.stringify(change.witness)}`]),
      ];
    }),
  ];
}

/** Which job it is, and since which version. */
export function nameOf({ queue, job, since }: JobReport): string {
  const name = job === undefined ? `queue ${queue}` : `${queue} / ${job}`;
  return since === undefined ? name : `${name}, since version ${since}`;
}
