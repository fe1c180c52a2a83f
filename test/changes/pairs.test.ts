import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { objections } from '../../src/bridge/compatibility/inclusion.js';
import { seededRandom } from '../../src/bridge/compatibility/random.js';
import { Sampler } from '../../src/bridge/compatibility/sampler.js';
import { SchemaDocument } from '../../src/bridge/compatibility/schema-document.js';
import { ValueSet } from '../../src/bridge/compatibility/value-set.js';
import type { JsonSchema } from '../../src/bridge/contract/canonical.js';
import { emitSchema } from '../../src/bridge/contract/emission/emission.js';
import { readThrough } from '../../src/bridge/queue/reading.js';
import { Cook, type Recipe, schemaOf } from './recipe.js';

const GATES = fileURLToPath(new URL('gates.py', import.meta.url));

/** How many pairs that count as compatible are looked for; `npm run test:changes` wants more. */
const PAIRS = Number(process.env.CHANGES_PAIRS ?? 100);
const SEED = Number(process.env.CHANGES_SEED ?? 1);
const VALUES = 12;
/** Of all changes, so many have to be let through in one direction or the other: refusing everything proves nothing. */
const LEAST_SHARE = 0.3;

/** One direction of a change that counts as compatible, with values that its writer has let through. */
interface Pair {
  readonly writer: Recipe;
  readonly reader: Recipe;
  readonly schema: JsonSchema;
  readonly values: readonly string[];
}

test('no gate refuses a value across a change that counts as compatible', { timeout: 600_000 }, async () => {
  const { pairs, share } = compatiblePairs();
  expect(share).toBeGreaterThan(LEAST_SHARE);

  const refusedByNode = pairs.filter(({ reader, values }) =>
    values.some((text) => 'issues' in readThrough(payloadOf(reader), JSON.parse(text))),
  );
  expect(refusedByNode.slice(0, 3)).toEqual([]);

  const { stdout } = await execa(process.env.PYTHON ?? 'python3', [GATES], {
    input: pairs.map(({ schema, values }) => JSON.stringify({ schema, values })).join('\n'),
  });
  const answers = stdout.split('\n').map((line) => JSON.parse(line) as number[]);
  expect(answers).toHaveLength(pairs.length);
  const refusedByPython = pairs.filter((_, index) => (answers[index] as number[]).length > 0);
  expect(refusedByPython.slice(0, 3)).toEqual([]);

  const values = pairs.reduce((count, pair) => count + pair.values.length, 0);
  console.log(
    `${pairs.length} compatible pairs, ${values} values, none refused; ${Math.round(share * 100)} % of all were compatible`,
  );
});

function compatiblePairs(): { pairs: Pair[]; share: number } {
  const random = seededRandom(SEED);
  const cook = new Cook(random);
  const sampler = new Sampler(random);
  const pairs: Pair[] = [];
  let asked = 0;
  while (pairs.length < PAIRS) {
    const older = cook.recipe();
    const newer = random() < 0.7 ? cook.change(older) : cook.change(cook.change(older));
    if (JSON.stringify(older) === JSON.stringify(newer)) {
      continue;
    }
    const [before, after] = [emitted(older), emitted(newer)];
    if (before === undefined || after === undefined) {
      continue;
    }
    for (const [writer, written, reader, read] of [
      [older, before, newer, after],
      [newer, after, older, before],
    ] as const) {
      asked += 1;
      const set = ValueSet.of(new SchemaDocument(written), true);
      if (objections(set, ValueSet.of(new SchemaDocument(read), false)).length === 0) {
        const values = sampled(payloadOf(writer), set, sampler);
        if (values.length > 0) {
          pairs.push({ writer, reader, schema: read, values });
        }
      }
    }
  }
  return { pairs, share: pairs.length / asked };
}

function emitted(recipe: Recipe): JsonSchema | undefined {
  const { schema, findings } = emitSchema(payloadOf(recipe));
  return findings.length === 0 ? schema : undefined;
}

/** Within an object: a schema that accepts everything is no payload by itself. */
function payloadOf(recipe: Recipe): z.ZodType {
  return z.object({ payload: schemaOf(recipe) });
}

/** Values as they travel: those that the writer's own gate has let through, as it sends them. */
function sampled(writer: z.ZodType, set: ValueSet, sampler: Sampler): string[] {
  const texts = new Set<string>();
  for (let tried = 0; tried < VALUES; tried += 1) {
    const value = sampler.sample(set);
    const reading = value === undefined ? undefined : readThrough(writer, value);
    if (reading !== undefined && 'value' in reading) {
      texts.add(JSON.stringify(reading.value));
      // A Python writer sends what it was given: without the defaults.
      texts.add(JSON.stringify(value));
    }
  }
  return [...texts];
}
