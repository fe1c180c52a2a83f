import * as fc from 'fast-check';
import type { JsonSchema } from '../../src/bridge/contract/canonical.js';
import { write } from './json-text.js';
import { mangle, mutate } from './mutants.js';
import { Passing } from './passing.js';

/** A payload of a job, as text. */
export interface Payload {
  readonly job: string;
  readonly text: string;
}

/**
 * Payloads for each schema: some that should pass, more that differ from one in a place or two, a few whose text is odd.
 *
 * @param seed - the same seed gives the same payloads.
 * @param count - how many at least, in all.
 */
export function corpus(schemas: ReadonlyMap<string, JsonSchema>, seed: number, count: number): Payload[] {
  const each = Math.ceil(count / schemas.size);
  return [...schemas].flatMap(([job, schema], index) => {
    const payload = fc.gen().map((draw) => draft(schema, draw));
    return fc.sample(payload, { seed: seed + index, numRuns: each }).map((text): Payload => ({ job, text }));
  });
}

function draft(schema: JsonSchema, draw: fc.GeneratorValue): string {
  const passing = new Passing(schema, draw).make();
  const kind = draw(fc.nat, { max: 19 });
  if (kind < 7) return write(passing);
  if (kind < 16) return write(mutate(passing, draw));
  if (kind < 19) return write(mutate(mutate(passing, draw), draw));
  return mangle(write(passing), draw);
}
