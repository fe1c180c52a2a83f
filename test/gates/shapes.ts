import * as z from 'zod';
import type { Schema } from '../../src/bridge/contract/schema.js';
import { defineQueue, type JobDefinition, job } from '../../src/bridge/index.js';

/** A job whose result is what its data is: each of its vectors goes through all four gates. */
export function mirrored<S extends Schema>(schema: S): JobDefinition<S, S> {
  return job({ data: schema, result: schema });
}

interface Tree {
  readonly id: number;
  readonly children: readonly Tree[];
}

const tree: z.ZodType<Tree> = z.lazy(() => z.object({ id: z.int(), children: z.array(tree) }));

/** A moment: a Date in TypeScript, ISO text in Redis. */
const moment = z.codec(z.iso.datetime(), z.date(), {
  decode: (text) => new Date(text),
  encode: (date) => date.toISOString(),
});

/**
 * Shapes that the reference contract does not have: strings and patterns, numbers, arrays, unions, objects. Only the
 * vectors use it; `test/vectors/schemas` holds what is emitted from it.
 */
export const shapes = defineQueue('shapes', {
  text: mirrored(
    z.object({
      any: z.string().optional(),
      label: z.string().min(2).max(5).optional(),
      fixed: z.string().length(3).optional(),
      prefix: z.string().startsWith('a.').optional(),
      suffix: z.string().endsWith('.z').optional(),
      part: z.string().includes('+').optional(),
    }),
  ),
  pattern: mirrored(
    z.object({
      code: z
        .string()
        .regex(/^[A-Z]{2}\d{4}$/)
        .optional(),
      word: z.string().regex(/^\w+$/).optional(),
      line: z.string().regex(/^.+$/u).optional(),
      pair: z
        .string()
        .regex(/^\S+\s\S+$/u)
        .optional(),
      month: z
        .string()
        .regex(/^(?<year>\d{4})-(?<month>\d{2})$/)
        .optional(),
      face: z
        .string()
        .regex(/^[\u{1F600}-\u{1F64F}]{2}$/u)
        .optional(),
      anchorless: z.string().regex(/b+/).optional(),
      set: z
        .string()
        .regex(/^[a&&b|~-]+$/)
        .optional(),
    }),
  ),
  format: mirrored(
    z.object({
      email: z.email().optional(),
      uuid: z.uuid().optional(),
      moment: moment.optional(),
      day: z.iso.date().optional(),
      ipv4: z.ipv4().optional(),
      base64: z.base64().optional(),
    }),
  ),
  number: mirrored(
    z.object({
      any: z.number().optional(),
      int: z.int().optional(),
      rate: z.number().min(0).lt(1).optional(),
      count: z.int().positive().max(10).optional(),
      step: z.int().min(-1_000).max(1_000).multipleOf(5).optional(),
    }),
  ),
  choice: mirrored(
    z.object({
      colour: z.enum(['red', 'green']).optional(),
      one: z.literal(1).optional(),
      zero: z.literal(0).optional(),
      text: z.literal('1').optional(),
      flag: z.boolean().optional(),
      yes: z.literal(true).optional(),
      nothing: z.null().optional(),
      mixed: z.literal([1, 'a', null]).optional(),
    }),
  ),
  array: mirrored(
    z.object({
      list: z.array(z.int()).min(1).max(3).optional(),
      pair: z.tuple([z.string(), z.int()]).optional(),
      open: z.tuple([z.string()], z.int()).optional(),
      rows: z.array(z.object({ id: z.int() })).optional(),
    }),
  ),
  union: mirrored(
    z.object({
      either: z.union([z.string(), z.int()]).optional(),
      nullable: z.string().nullable().optional(),
      shape: z
        .discriminatedUnion('kind', [
          z.object({ kind: z.literal('circle'), radius: z.number().positive() }),
          z.object({ kind: z.literal('square'), side: z.number().positive() }),
        ])
        .optional(),
      both: z.intersection(z.object({ a: z.string() }), z.object({ b: z.string() })).optional(),
    }),
  ),
  object: mirrored(
    z.object({
      open: z.object({ a: z.int() }).optional(),
      closed: z.strictObject({ a: z.int() }).optional(),
      rest: z.object({ a: z.int() }).catchall(z.int()).optional(),
      counts: z.record(z.string(), z.int()).optional(),
      names: z.record(z.string().regex(/^[a-z]+$/), z.int()).optional(),
      odd: z.object({ constructor: z.int(), 'a/b': z.int(), 'm~n': z.int() }).optional(),
      defaulted: z.int().default(7),
    }),
  ),
  tree: mirrored(tree),
  anything: mirrored(z.object({ any: z.json() })),
  text_alone: mirrored(z.string().min(1)),
  list_alone: mirrored(z.array(z.boolean())),
});
