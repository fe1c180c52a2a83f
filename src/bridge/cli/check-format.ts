import { type Change, REMEDIES, together, type Verdict } from '../compatibility/change.js';
import type { JobReport } from '../compatibility/contract-changes.js';
import { nameOf, reportLines } from '../compatibility/report-text.js';
import { CONTRACT_FILE, schemaFile } from '../contract/document.js';
import type { RedisReport } from './check-redis.js';
import type { Terminal } from './terminal.js';

/** What `check` has found. */
export interface CheckReport {
  readonly against: string;
  /** The schemas folder, as messages call it. */
  readonly schemas: string;
  readonly jobs: readonly (JobReport | RedisReport)[];
  /** Whether a change stops nobody. */
  isAllowed(change: Change): boolean;
}

/** For people, for programs, and as annotations of GitHub Actions. */
export type CheckFormat = 'human' | 'json' | 'github';

/** How a report is printed. */
export const FORMATS: Readonly<Record<CheckFormat, (report: CheckReport, terminal: Terminal) => void>> = {
  human: printForPeople,
  json: printJson,
  github: printAnnotations,
};

function printForPeople(report: CheckReport, terminal: Terminal): void {
  for (const job of report.jobs) {
    const wording = {
      paint: (verdict: Verdict) => paintVerdict(verdict, terminal),
      isAllowed: report.isAllowed,
      found: foundIn(job),
    };
    for (const line of reportLines(job, wording)) {
      terminal.print(line);
    }
    terminal.print('');
  }
  terminal.print(conclusion(report));
}

function conclusion(report: CheckReport): string {
  const verdict = verdictOf(report);
  if (report.jobs.every(({ changes }) => changes.length === 0)) {
    return `Nothing has changed against ${report.against}.`;
  }
  return `Against ${report.against}: ${verdict}. ${REMEDIES[verdict]}`;
}

function printJson(report: CheckReport, terminal: Terminal): void {
  const verdict = verdictOf(report);
  const jobs = report.jobs.map((job) => ({
    ...job,
    changes: job.changes.map((change) => ({ ...change, allowed: report.isAllowed(change) })),
  }));
  terminal.print(JSON.stringify({ against: report.against, verdict, remedy: REMEDIES[verdict], jobs }, null, 2));
}

function printAnnotations(report: CheckReport, terminal: Terminal): void {
  for (const job of report.jobs) {
    for (const change of job.changes) {
      const kind = change.verdict === 'any order' ? 'notice' : report.isAllowed(change) ? 'warning' : 'error';
      const file =
        job.job === undefined || change.payload === undefined
          ? CONTRACT_FILE
          : schemaFile(job.queue, job.job, change.payload);
      const properties = { file: `${report.schemas}/${file}`, title: `${change.rule}: ${change.verdict}` };
      const witness = change.witness === undefined ? '' : ` For example: ${JSON.stringify(change.witness)}.`;
      const place = change.payload === undefined ? '' : `, ${change.payload} ${change.pointer || '/'}`;
      const text = `${nameOf(job)}${place}: ${change.message}${witness} ${REMEDIES[change.verdict]}`;
      const list = Object.entries(properties).map(([name, value]) => `${name}=${escapeProperty(value)}`);
      terminal.print(`::${kind} ${list.join(',')}::${escapeText(text)}`);
    }
  }
}

/** Of everything that is not allowed. */
function verdictOf(report: CheckReport): Verdict {
  const stopping = report.jobs.flatMap(({ changes }) => changes.filter((change) => !report.isAllowed(change)));
  return together(stopping.map(({ verdict }) => verdict));
}

/** Where in Redis it was found. */
function foundIn(job: JobReport | RedisReport): string[] {
  if (!('found' in job)) {
    return [];
  }
  const { states, schedulers, records, refused, jobs } = job.found;
  const counts = Object.entries(states).map(([state, count]) => `${count} ${state}`);
  return [
    ...(counts.length === 0 ? [] : [`In Redis: ${counts.join(', ')}.`]),
    ...(schedulers.length === 0
      ? []
      : [`Schedulers that go on making such jobs until they are written again: ${schedulers.join(', ')}.`]),
    ...(records.length === 0
      ? []
      : [`Kept for when the running job has ended (keepLastIfActive), deduplication: ${records.join(', ')}.`]),
    ...(refused === 0
      ? []
      : [
          `Of these, the new version would refuse ${refused}${jobs.length === 0 ? '' : `, for example ${jobs.join(', ')}`}.`,
        ]),
  ];
}

function paintVerdict(verdict: Verdict, terminal: Terminal): string {
  const colour = verdict === 'any order' ? 'green' : verdict === 'breaking' ? 'red' : 'yellow';
  return terminal.paint(colour, verdict);
}

/** As GitHub's own toolkit does. */
function escapeText(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeText(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
