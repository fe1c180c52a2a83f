import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import type { Remedy } from './remedies.js';
import { type AnySchema, definitionOf } from './zod4-definition.js';

/** Values that codecs tend to choke on, of the types that travel. Those that the wire schema refuses are not tried. */
const SAMPLES: readonly unknown[] = [
  ...['', 'x', 'abc', '0', '-1', '00', '1.5', '9'.repeat(400), 'true', 'TRUE', '{}', '%', 'ÿ', '😀'],
  ...['2024-02-29', '23:59:59', '2024-02-29T23:59:59Z', '0000-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z', 'P1D'],
  ...['a@b.cd', '127.0.0.1', '7d444840-9dc0-11d1-b245-5ffdce74fad2', 'YQ==', 'YQ'],
  ...[0, 1, -1, 0.5, 2 ** 31, -(2 ** 31), 1e15, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 1e300, -1e300],
  ...[true, false, null, [], {}],
];

const SHOWN = 40;

/**
 * Tries a codec on values that its wire schema accepts, and Python therefore lets through: each has to decode, and what it
 * decodes to has to encode again. A trial, not a proof: it cannot know every value that a schema accepts.
 *
 * @returns what to say of a codec that fails; undefined for one that does not.
 */
export function codecFault(codec: AnySchema): Remedy | undefined {
  const { in: wire } = definitionOf(codec);
  const witness = SAMPLES.find(
    (sample) => passes(wire, sample) && !passes(codec, sample, (value) => z.encode(codec, value)),
  );
  if (witness === undefined) {
    return undefined;
  }
  return {
    reason: `the codec fails on ${show(witness)}, which its wire schema accepts`,
    wayOut: 'a narrower wire schema, for example z.enum([…]), .regex(…) or .max(…) before the codec',
  };
}

/**
 * Tries a union that has a codec as an option: what one option decodes must not be taken for another when it is encoded. An
 * object without required fields, for one, takes a Date to be one of its own.
 *
 * @returns what to say of a union that fails; undefined for one that does not.
 */
export function unionFault(union: AnySchema): Remedy | undefined {
  const witness = SAMPLES.find((sample) => passes(union, sample) && !survives(union, sample));
  return witness === undefined
    ? undefined
    : {
        reason: `what the union reads from ${show(witness)} is written as something else, by another option`,
        wayOut: 'options that cannot be mistaken for what the codec decodes to, or the codec around the union',
      };
}

function survives(schema: AnySchema, sample: unknown): boolean {
  const read = z.parse(schema, sample);
  try {
    return isDeepStrictEqual(z.parse(schema, z.encode(schema, read)), read);
  } catch {
    return false;
  }
}

function show(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}… (${text.length} characters)` : text;
}

function passes(schema: AnySchema, sample: unknown, then: (value: unknown) => unknown = () => {}): boolean {
  try {
    then(z.parse(schema, sample));
    return true;
  } catch {
    return false;
  }
}
