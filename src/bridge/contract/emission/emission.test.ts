import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { z as z3 } from 'zod/v3';
import type { Schema } from '../schema.js';
import { emitSchema } from './emission.js';

const isoDate = z.codec(z.iso.datetime(), z.date(), {
  decode: (text) => new Date(text),
  encode: (date) => date.toISOString(),
});

/** The one property of an object schema as it is emitted. */
function property(schema: z.ZodType): unknown {
  const { schema: emitted, findings } = emitSchema(z.object({ field: schema }));
  expect(findings).toEqual([]);
  return (emitted.properties as Record<string, unknown>).field;
}

describe('emitSchema', () => {
  it('leaves objects open and defaulted fields optional: the side that a writer has to meet', () => {
    const { schema } = emitSchema(
      z.object({ name: z.string(), tries: z.int().default(1), note: z.string().optional() }),
    );
    expect(schema).not.toHaveProperty('additionalProperties');
    expect(schema.required).toEqual(['name']);
  });

  it('closes an object only when the contract does', () => {
    expect(emitSchema(z.strictObject({ a: z.string() })).schema.additionalProperties).toBe(false);
  });

  it('lists required fields in one order, whatever order they are written in', () => {
    expect(emitSchema(z.object({ b: z.string(), a: z.string() })).schema.required).toEqual(['a', 'b']);
  });

  it.each([
    ['z.int()', z.int(), Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
    [
      'bounds beyond it',
      z
        .int()
        .min(-(2 ** 60))
        .max(2 ** 60),
      Number.MIN_SAFE_INTEGER,
      Number.MAX_SAFE_INTEGER,
    ],
    ['bounds within it', z.int().min(0).max(9), 0, 9],
  ])('bounds integers to what JavaScript can hold: %s', (_, schema, minimum, maximum) => {
    expect(property(schema)).toEqual({ type: 'integer', minimum, maximum });
  });

  it('bounds the integers of zod 3, which does not do so itself', () => {
    const { schema } = emitSchema(z3.object({ n: z3.number().int().positive() }));
    expect(schema.properties).toEqual({
      n: { type: 'integer', exclusiveMinimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    });
  });

  it('writes patterns in the portable subset, wherever they stand', () => {
    expect(property(z.string().regex(/^\d$/))).toEqual({ type: 'string', pattern: '^[0-9]$(?!\\n)' });
    expect(property(z.record(z.string().regex(/^\w$/), z.null()))).toMatchObject({
      propertyNames: { pattern: '^[A-Za-z0-9_]$(?!\\n)' },
    });
    expect(property(z.looseRecord(z.string().regex(/^\d/), z.null()))).toEqual({
      type: 'object',
      patternProperties: { '^[0-9]': { type: 'null' } },
    });
    expect(property(z.string().startsWith('a.').endsWith('z'))).toEqual({
      type: 'string',
      allOf: [{ pattern: String.raw`^a\.[^\n\r\u2028\u2029]*` }, { pattern: String.raw`[^\n\r\u2028\u2029]*z$(?!\n)` }],
    });
  });

  it('carries a codec as its wire type', () => {
    expect(property(isoDate)).toMatchObject({ type: 'string', format: 'date-time' });
  });

  it('follows recursion through $defs', () => {
    const tree: z.ZodType = z.lazy(() => z.object({ id: z.int(), children: z.array(tree) }));
    const { schema, findings } = emitSchema(z.object({ tree }));
    expect(findings).toEqual([]);
    expect(JSON.stringify(schema)).toContain('"$ref"');
  });

  it('puts what is used in several places under its id in $defs', () => {
    const address = z.object({ city: z.string() }).meta({ id: 'Address' });
    const { schema, findings } = emitSchema(z.object({ from: address, to: address.optional() }));
    expect(findings).toEqual([]);
    expect(schema.properties).toEqual({ from: { $ref: '#/$defs/Address' }, to: { $ref: '#/$defs/Address' } });
    expect(schema.$defs).toMatchObject({ Address: { type: 'object', required: ['city'] } });
  });

  it('bounds an integer also where its own bound is beyond what JavaScript can hold', () => {
    const { schema } = emitSchema(
      z3.object({
        n: z3
          .number()
          .int()
          .lt(2 ** 60),
      }),
    );
    expect(schema.properties).toMatchObject({ n: { maximum: Number.MAX_SAFE_INTEGER } });
    expect(JSON.stringify(schema)).not.toContain('exclusiveMaximum');
  });

  it('carries any JSON, where the contract says so', () => {
    expect(emitSchema(z.object({ extra: z.json(), more: z.unknown() })).findings).toEqual([]);
  });

  it.each<[string, z.ZodType]>([
    ['email', z.email()],
    ['uuid', z.uuid()],
    ['iso date', z.iso.date()],
    ['ipv4', z.ipv4()],
    ['base64', z.base64()],
    ['hash', z.hash('sha256')],
    ['template literal', z.templateLiteral(['v', z.int()])],
    [
      'discriminated union',
      z.discriminatedUnion('k', [z.object({ k: z.literal('a') }), z.object({ k: z.literal('b') })]),
    ],
    ['tuple', z.tuple([z.string(), z.int()], z.null())],
    ['intersection', z.intersection(z.object({ a: z.string() }), z.object({ b: z.string() }))],
    ['default', z.string().min(1).default('x')],
    ['default of a codec', isoDate.default(new Date(0))],
    ['integer step', z.int().min(0).max(100).multipleOf(5)],
    ['integer step of 32 bits', z.int32().multipleOf(5)],
    ['an empty tuple', z.tuple([])],
    ['a required field that JavaScript has a method for', z.object({ constructor: z.int() })],
    ['readonly nullable enum', z.enum(['a', 'b']).nullable().readonly()],
    ['a codec of digits', z.codec(z.string().regex(/^\d+$/), z.bigint(), { decode: BigInt, encode: String })],
    ['a codec as one of several', z.union([isoDate, z.int(), z.object({ at: isoDate })])],
    ['a codec of integers', z.codec(z.string().regex(/^\d{1,9}$/), z.int(), { decode: Number, encode: String })],
    ['a default inside an intersection', z.intersection(z.object({ a: z.int().default(1) }), z.object({ b: z.int() }))],
    ['a record of named keys', z.record(z.enum(['a', 'b']), z.int())],
    ['a loose record of one pattern', z.looseRecord(z.string().regex(/^x-/), z.int())],
    ['an optional end of a tuple', z.tuple([z.string(), z.int().optional()])],
    ['free text in a template', z.templateLiteral(['id-', z.string()])],
    ['metadata that describes', z.string().meta({ title: 'Name', examples: ['x'], secret: true, 'x-widget': 'area' })],
  ])('admits %s', (_, schema) => {
    property(schema);
  });

  it('reports everything that is wrong, not only the first', () => {
    const { findings } = emitSchema(
      z.object({ a: z.date(), b: z.tuple([z.bigint()]), c: z.record(z.string(), z.nan()) }),
    );
    expect(findings.map(({ path }) => path)).toEqual(['a', 'b[0]', 'c.*']);
  });

  it.each<[string, Schema]>([
    ['z.any()', z.any()],
    ['z.unknown() with a description', z.unknown().describe('whatever')],
    ['z.any() with an id', z.any().meta({ id: 'Anything' })],
    ['z.unknown() or null', z.unknown().nullable()],
    ['z.any() as one of several', z.union([z.string(), z.any()])],
    ['z3.any()', z3.any()],
  ])('refuses a schema that demands nothing: %s', (_, schema) => {
    expect(emitSchema(schema).findings).toMatchObject([{ path: '', rule: 'empty' }]);
  });
});

describe('emitSchema of a zod 3 schema', () => {
  it('lifts draft-07 to 2020-12', () => {
    const { schema, findings } = emitSchema(
      z3.object({ pair: z3.tuple([z3.string(), z3.null()]), rest: z3.tuple([z3.string()]).rest(z3.null()) }),
    );
    expect(findings).toEqual([]);
    expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
    expect(schema.properties).toEqual({
      pair: {
        type: 'array',
        minItems: 2,
        maxItems: 2,
        prefixItems: [{ type: 'string' }, { type: 'null' }],
        items: false,
      },
      rest: { type: 'array', minItems: 1, prefixItems: [{ type: 'string' }], items: { type: 'null' } },
    });
  });

  it('refers to where a schema was first used, whatever the keys are on the way there', () => {
    const tree: z3.ZodTypeAny = z3.lazy(() => z3.object({ next: tree.optional() }));
    const { schema } = emitSchema(z3.object({ 'a/b': z3.tuple([tree, tree]), c: z3.tuple([]).rest(z3.array(tree)) }));
    expect(JSON.stringify(schema)).toContain('"$ref":"#/properties/a~1b/prefixItems/0"');
    const rest: z3.ZodTypeAny = z3.lazy(() => z3.tuple([z3.null()]).rest(rest));
    expect(JSON.stringify(emitSchema(z3.tuple([z3.null()]).rest(rest)).schema)).toContain('"$ref":"#/items"');
  });

  it('puts right what zod-to-json-schema takes for something else', () => {
    const { schema } = emitSchema(z3.object({ no: z3.literal(null), twice: z3.null().nullable() }));
    expect(schema.properties).toEqual({ no: { type: 'null' }, twice: { type: ['null'] } });
  });

  it('warns of integers that zod 3 does not bound', () => {
    const warnings = (n: z3.ZodTypeAny) => emitSchema(z3.object({ n })).warnings.join();
    expect(warnings(z3.number().int())).toContain('integers without bounds');
    expect(warnings(z3.number().int().safe())).not.toContain('integers without bounds');
  });

  it('writes the narrowest of several bounds', () => {
    const { schema } = emitSchema(
      z3.object({
        n: z3.number().gt(5).gt(1).min(3).min(2).lt(7).lt(9).max(8).max(10),
        i: z3.number().int().min(0).safe(),
      }),
    );
    expect(schema.properties).toEqual({
      n: { type: 'number', exclusiveMinimum: 5, minimum: 3, exclusiveMaximum: 7, maximum: 8 },
      i: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    });
  });

  it('says of other keys only what the contract says: nothing where they are stripped', () => {
    expect(emitSchema(z3.object({ a: z3.string() })).schema).not.toHaveProperty('additionalProperties');
    expect(emitSchema(z3.object({ a: z3.string() }).passthrough()).schema.additionalProperties).toBe(true);
    expect(emitSchema(z3.object({ a: z3.string() }).catchall(z3.null())).schema.additionalProperties).toEqual({
      type: 'null',
    });
    expect(emitSchema(z3.object({ a: z3.string() }).strict()).schema.additionalProperties).toBe(false);
  });

  it('warns of what Python checks less strictly', () => {
    expect(emitSchema(z3.object({ id: z3.string().uuid(), at: z3.string().datetime() })).warnings).toEqual([
      expect.stringContaining('UTF-16'),
      expect.stringContaining("'date-time'"),
      expect.stringContaining("'uuid'"),
    ]);
  });
});
