import type { Json } from '../contract/canonical.js';
import type { Payload } from '../contract/wire.js';
import type { Facet, Objection } from './objection.js';

/** In which order the two sides of a queue may be brought to the new contract. */
export type Verdict =
  | 'any order'
  | 'consumers first'
  | 'producers first'
  | 'producers first and drain'
  | 'consumers first and drain'
  | 'breaking';

/** Something that differs between two versions of a contract. */
export interface Change {
  /** A stable name for the kind of change, for `--allow`. */
  readonly rule: string;
  /** Which schema it is in; undefined for a change of the job as a whole. */
  readonly payload?: Payload;
  /** JSON pointer into the schema, going through references as if their targets stood there. */
  readonly pointer: string;
  readonly verdict: Verdict;
  /** What it does, as a sentence. */
  readonly message: string;
  /** A value that is written by one side and refused by the other, where one was found. */
  readonly witness?: Json;
}

/** Whether old values stay readable, and whether new ones are readable by what still runs. */
export interface Directions {
  /** What stands in the way of the new reader, of values that the old writer wrote. */
  readonly backward?: Objection | undefined;
  /** What stands in the way of the old reader, of values that the new writer writes. */
  readonly forward?: Objection | undefined;
}

/** How a facet's change is called when it takes values away, adds some, or both. */
const RULES: Readonly<Record<Facet, readonly [narrowed: string, widened: string, changed: string]>> = {
  type: ['type-narrowed', 'type-widened', 'type-changed'],
  enum: ['enum-narrowed', 'enum-widened', 'enum-changed'],
  bounds: ['bounds-narrowed', 'bounds-widened', 'bounds-changed'],
  pattern: ['pattern-added', 'pattern-removed', 'pattern-changed'],
  format: ['format-added', 'format-removed', 'format-changed'],
  required: ['required-added', 'required-removed', 'required-changed'],
  property: ['property-forbidden', 'property-allowed', 'property-changed'],
  union: ['union-narrowed', 'union-widened', 'union-changed'],
  keyword: ['keyword-narrowed', 'keyword-widened', 'keyword-changed'],
  never: ['never-added', 'never-removed', 'never-changed'],
};

/** The rules that a change of a schema can have. */
export const SCHEMA_RULES: readonly string[] = [
  ...Object.values(RULES).flat(),
  ...['property-added', 'property-removed', 'default-changed', 'rewritten'],
];

/** The rules that a change of queues and jobs can have. */
export const JOB_RULES: readonly string[] = [
  ...['queue-added', 'queue-removed', 'job-added', 'job-removed', 'name-reused', 'version-unknown'],
];

/** The rule of a change that somebody objects to. */
export function ruleOf(facet: Facet, { backward, forward }: Directions): string {
  const [narrowed, widened, changed] = RULES[facet];
  return backward === undefined ? widened : forward === undefined ? narrowed : changed;
}

/**
 * What follows from the two directions.
 *
 * Data is written by producers and read by consumers, results the other way round: whoever reads has to be first where new
 * values are not readable by old readers, and whoever writes where old values are not readable by new ones. Those that were
 * written already have to be gone by then.
 */
export function verdictOf(payload: Payload, backward: boolean, forward: boolean): Verdict {
  if (backward && forward) {
    return 'any order';
  }
  if (!backward && !forward) {
    return 'breaking';
  }
  const [writer, reader] =
    payload === 'data' ? (['producers', 'consumers'] as const) : (['consumers', 'producers'] as const);
  return forward ? `${writer} first and drain` : `${reader} first`;
}

/** What several verdicts come to, when all of it is deployed together. */
export function together(verdicts: readonly Verdict[]): Verdict {
  const wanted = new Set(verdicts.filter((verdict) => verdict !== 'any order'));
  const first = (side: string) => [...wanted].some((verdict) => verdict.startsWith(side));
  if (wanted.has('breaking') || (first('producers') && first('consumers'))) {
    return 'breaking';
  }
  const draining = [...wanted].find((verdict) => verdict.endsWith('drain'));
  return draining ?? [...wanted][0] ?? 'any order';
}

/** What to do about a verdict, as a sentence. */
export const REMEDIES: Readonly<Record<Verdict, string>> = {
  'any order': 'Deploy producers and consumers in any order.',
  'consumers first':
    'Deploy the consumers (Python) first, and the producers (Node) when no old consumer runs any more.',
  'producers first':
    'Deploy the producers (Node) first, and the consumers (Python) when no old producer runs any more.',
  'producers first and drain':
    'Deploy the producers (Node) first. Deploy the consumers (Python) when no old producer runs any more and none of its jobs is ' +
    'left in Redis, delayed, failed and scheduled ones included; or give the worker an upcaster.',
  'consumers first and drain':
    'Deploy the consumers (Python) first. Deploy the producers (Node) when no old consumer runs any more and every result of ' +
    'theirs that somebody will read has been read.',
  breaking:
    'No order of deployment is safe. Give the new meaning a new name (of the field or of the job), or make the change in two ' +
    'steps that each are.',
};
