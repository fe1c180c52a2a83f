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
    ['integer step', z.int().multipleOf(5)],
    ['readonly nullable enum', z.enum(['a', 'b']).nullable().readonly()],
  ])('admits %s', (_, schema) => {
    property(schema);
  });

  it.each<[string, z.ZodType, string]>([
    ['refine', z.string().refine(() => true), 'refine'],
    ['superRefine', z.string().superRefine(() => {}), 'refine'],
    ['check', z.string().check(() => {}), 'refine'],
    ['coerce', z.coerce.number(), 'coerce'],
    ['catch', z.string().catch(''), 'catch'],
    ['preprocess', z.preprocess(String, z.string()), 'preprocess'],
    ['transform', z.string().transform(Number), 'transform'],
    ['pipe', z.string().pipe(z.string().min(3)), 'pipe'],
    ['a checked codec', z.codec(z.string(), z.date().min(0), { decode: (s) => new Date(s), encode: String }), 'codec'],
    ['trim', z.string().trim(), 'overwrite'],
    ['toLowerCase', z.string().toLowerCase(), 'overwrite'],
    ['regex flags', z.string().regex(/^a$/i), 'flags'],
    ['\\p{…}', z.string().regex(/^\p{L}$/u), 'pattern'],
    ['look-behind', z.string().regex(/(?<=a)b/), 'pattern'],
    ['\\b', z.string().regex(/\bword\b/), 'pattern'],
    ['UTF-16 units', z.string().regex(/^.$/), 'pattern'],
    ['emoji', z.emoji(), 'pattern'],
    ['fractional multipleOf', z.number().multipleOf(0.01), 'multiple-of'],
    ['fractional step', z.number().step(0.5), 'multiple-of'],
    ['url', z.url(), 'format'],
    ['jwt', z.jwt(), 'format'],
    ['ipv6', z.ipv6(), 'format'],
    ['a format of one’s own', z.stringFormat('mine', () => true), 'format'],
    ['includes at a position', z.string().includes('x', { position: 2 }), 'position'],
    ['a default that does not fit', z.string().min(3).default('x'), 'default'],
    ['a default that is random', z.uuid().default(() => crypto.randomUUID()), 'computed-default'],
    ['a default that is the time', z.int().default(() => Date.now()), 'computed-default'],
    ['date', z.date(), 'date'],
    ['bigint', z.bigint(), 'bigint'],
    ['map', z.map(z.string(), z.string()), 'map'],
    ['set', z.set(z.string()), 'set'],
    ['undefined', z.undefined(), 'undefined'],
    ['void', z.void(), 'void'],
    ['symbol', z.symbol(), 'symbol'],
    ['nan', z.nan(), 'nan'],
    ['promise', z.promise(z.string()), 'promise'],
    ['file', z.file(), 'file'],
    ['custom', z.custom<string>(), 'custom'],
    ['instanceof', z.instanceof(Date), 'custom'],
    ['undefined literal', z.literal(undefined), 'literal'],
    ['bigint literal', z.literal(1n), 'literal'],
  ])('refuses %s, with path, reason and way out', (_, schema, rule) => {
    const { findings } = emitSchema(z.object({ list: z.array(z.object({ field: schema })) }));
    expect(findings).toEqual([
      { path: 'list[].field', rule, reason: expect.stringMatching(/\w/), wayOut: expect.stringMatching(/\w/) },
    ]);
  });

  it('refuses functions', () => {
    expect(emitSchema(z.object({ f: z.function() as unknown as z.ZodType })).findings).toMatchObject([
      { path: 'f', rule: 'function' },
    ]);
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

  it('does not close objects that merely strip unknown keys', () => {
    expect(emitSchema(z3.object({ a: z3.string() })).schema.additionalProperties).not.toBe(false);
    expect(emitSchema(z3.object({ a: z3.string() }).strict()).schema.additionalProperties).toBe(false);
  });

  it('warns of what Python checks less strictly', () => {
    expect(emitSchema(z3.object({ id: z3.string().uuid(), at: z3.string().datetime() })).warnings).toEqual([
      expect.stringContaining('UTF-16'),
      expect.stringContaining("'date-time'"),
      expect.stringContaining("'uuid'"),
    ]);
  });

  it.each<[string, z3.ZodTypeAny, string]>([
    ['refine', z3.string().refine(() => true), 'refine'],
    ['transform', z3.string().transform(Number), 'transform'],
    ['preprocess', z3.preprocess(String, z3.string()), 'preprocess'],
    ['coerce', z3.coerce.number(), 'coerce'],
    ['catch', z3.string().catch(''), 'catch'],
    ['pipe', z3.string().pipe(z3.string()), 'pipe'],
    ['trim', z3.string().trim(), 'overwrite'],
    ['flags', z3.string().regex(/a/i), 'flags'],
    ['fractional step', z3.number().multipleOf(0.1), 'multiple-of'],
    ['date', z3.date(), 'date'],
    ['map', z3.map(z3.string(), z3.string()), 'map'],
  ])('refuses %s', (_, schema, rule) => {
    expect(emitSchema(z3.object({ field: schema })).findings).toMatchObject([{ path: 'field', rule }]);
  });
});
