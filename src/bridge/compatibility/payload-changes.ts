import type { JsonSchema } from '../contract/canonical.js';
import { TYPESCRIPT_ONLY_KEYWORD } from '../contract/emission/exception.js';
import { mapSchema } from '../contract/emission/schema-walk.js';
import type { Payload } from '../contract/wire.js';
import { type Change, type Directions, ruleOf, verdictOf } from './change.js';
import { differences } from './difference.js';
import { objections } from './inclusion.js';
import type { Facet, Objection } from './objection.js';
import { SchemaDocument } from './schema-document.js';
import { ValueSet } from './value-set.js';
import { Witnesses } from './witnesses.js';

/** Which directions matter: an old version that nobody runs any more has only written. */
export interface Comparison {
  /** Whether readers and writers of the older version still run. */
  readonly stillRuns: boolean;
}

/** What has changed between two versions of one schema, and what that means for a deployment. */
export function payloadChanges(
  payload: Payload,
  older: JsonSchema,
  newer: JsonSchema,
  { stillRuns }: Comparison = { stillRuns: true },
): Change[] {
  const [old, young] = [older, newer].map((schema) => new SchemaDocument(asRead(payload, schema))) as [
    SchemaDocument,
    SchemaDocument,
  ];
  const backward = objections(ValueSet.of(old, true), ValueSet.of(young, false));
  const forward = stillRuns ? objections(ValueSet.of(young, true), ValueSet.of(old, false)) : [];

  const places = new Map<string, { facet: Facet; pointer: string } & Directions>();
  const note = (found: readonly Objection[], direction: keyof Directions): void => {
    for (const objection of found) {
      const key = `${objection.facet} ${objection.pointer}`;
      places.set(key, {
        facet: objection.facet,
        pointer: objection.pointer,
        ...places.get(key),
        [direction]: objection,
      });
    }
  };
  note(backward, 'backward');
  note(forward, 'forward');

  const backwardWitnesses = new Witnesses(old, young);
  const forwardWitnesses = new Witnesses(young, old);
  const objected = [...places.values()].map((place): Change => {
    const witness =
      (place.backward && backwardWitnesses.at(place.pointer)) ?? (place.forward && forwardWitnesses.at(place.pointer));
    return {
      rule: ruleOf(place.facet, place),
      payload,
      pointer: place.pointer,
      verdict: verdictOf(payload, place.backward === undefined, place.forward === undefined),
      message: describe(payload, place, witness !== undefined),
      ...(witness === undefined ? {} : { witness }),
    };
  });

  const explained = objected.map(({ pointer }) => pointer);
  const harmless = differences(old, young)
    .filter(
      ({ rule, pointer }) => rule === 'default-changed' || !explained.some((other) => explains(other, rule, pointer)),
    )
    .map(({ rule, pointer }): Change => ({ rule, payload, pointer, verdict: 'any order', message: HARMLESS[rule] }));
  const changes = [...objected, ...harmless];
  return changes.sort((a, b) => compareText(a.pointer, b.pointer) || compareText(a.rule, b.rule));
}

/** What the reader of a payload checks: data is read by Python, which makes no check that only TypeScript makes. */
function asRead(payload: Payload, schema: JsonSchema): JsonSchema {
  return payload === 'result' ? schema : mapSchema(schema, ({ [TYPESCRIPT_ONLY_KEYWORD]: _, ...part }) => part);
}

/** Whether an objection at a place already says what a difference does: there, further in, or of the whole around it. */
function explains(objected: string, rule: string, pointer: string): boolean {
  const isWithin = rule === 'rewritten' && pointer.startsWith(`${objected}/`);
  return objected === pointer || objected.startsWith(`${pointer}/`) || isWithin;
}

const HARMLESS = {
  'property-added': 'A property that may be missing is new.',
  'property-removed': 'A property that could be missing is gone; where it still comes, it is ignored.',
  'default-changed':
    'The default has changed: jobs in Redis keep what was filled in when they were added, and those without the value now mean ' +
    'something else.',
  rewritten: 'It is written differently, and accepts what was and will be written.',
} as const;

/** Whose values whom they trouble, for each direction. */
function describe(payload: Payload, { backward, forward }: Directions, isProven: boolean): string {
  const sentences = [
    backward && `Of ${payload} in Redis or from old writers, the new version ${backward.reason}.`,
    forward && `Of new ${payload}, the version that still runs ${forward.reason}.`,
    [backward, forward].some((each) => each?.undecided) &&
      !isProven &&
      'Whether that ever happens cannot be decided, so it counts as if it did.',
  ];
  return sentences.filter(Boolean).join(' ');
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
