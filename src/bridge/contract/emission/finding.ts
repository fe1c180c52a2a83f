import type { Remedy } from './remedies.js';

/** Something in a schema that JSON Schema cannot carry: TypeScript and Python would disagree about a value. */
export interface Finding extends Remedy {
  /** Where in the payload, for example `files[].name`; empty for the payload itself. */
  readonly path: string;
  /** A stable name for the kind of trouble, for example `refine`. */
  readonly rule: string;
}

/** A finding with the place where its schema is written. */
export interface PlacedFinding extends Finding {
  readonly queue: string;
  readonly job: string;
  readonly payload: 'data' | 'result';
}

/** The schemas of a contract cannot be carried over to the other language. */
export class ContractLintError extends Error {
  override readonly name = 'ContractLintError';
  readonly findings: readonly PlacedFinding[];

  /** @param file - the module that exports the contract, where known. */
  constructor(findings: readonly PlacedFinding[], file?: string) {
    super(findings.map((finding) => describe(finding, file)).join('\n'));
    this.findings = findings;
  }
}

/** Says where in a contract something is, for people. */
export function placeOf({
  queue,
  job,
  payload,
  path,
}: Pick<PlacedFinding, 'queue' | 'job' | 'payload' | 'path'>): string {
  return `queue '${queue}', job '${job}', ${payload}${path === '' ? '' : `, at ${path}`}`;
}

function describe(finding: PlacedFinding, file: string | undefined): string {
  return `${file === undefined ? '' : `${file}: `}${placeOf(finding)}: ${finding.reason}. Instead: ${finding.wayOut}.`;
}
