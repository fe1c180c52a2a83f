import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { z as z3 } from 'zod/v3';
import { emitSchema } from './emission/emission.js';
import { ContractDefinitionError } from './error.js';
import type { Schema } from './schema.js';
import { checkedInTypeScriptOnly } from './typescript-only.js';

const emit = (field: Schema) => {
  const { schema, ...emission } = emitSchema(z.object({ list: z.array(field as z.ZodType) }));
  return { ...emission, field: (schema.properties as { list: { items: unknown } }).list.items };
};

describe('checkedInTypeScriptOnly', () => {
  it.each<[string, z.ZodType, object]>([
    [
      'refine',
      z
        .string()
        .min(2)
        .refine(() => true),
      { type: 'string', minLength: 2 },
    ],
    ['a format that is code', z.url(), { type: 'string', format: 'uri' }],
    ['a format whose pattern is not what zod checks', z.ipv6(), { type: 'string', format: 'ipv6' }],
    ['flags', z.string().regex(/^a/i), { type: 'string' }],
    [
      'a pattern beside one that is carried',
      z.string().regex(/\bx/).regex(/^a/),
      { type: 'string', allOf: [{ pattern: '^a' }] },
    ],
    ['a position', z.string().includes('x', { position: 2 }), { type: 'string' }],
    ['a fractional step', z.number().multipleOf(0.01), { type: 'number' }],
    ['a codec that refuses text', z.stringbool(), { type: 'string' }],
    [
      'a check behind a wrapper',
      z
        .string()
        .refine(() => true)
        .nullable(),
      { anyOf: [{ type: 'string' }, { type: 'null' }] },
    ],
  ])('admits %s, and emits what is left', (_, schema, expected) => {
    const { field, findings, exceptions } = emit(checkedInTypeScriptOnly(schema, 'the check'));
    expect(findings).toEqual([]);
    expect(exceptions).toEqual([{ path: 'list[]', check: 'the check' }]);
    expect(field).toMatchObject(expected);
    expect(JSON.stringify(field)).toContain('"x-checkedInTypeScriptOnly":"the check"');
    const { findings: unmarked } = emit(z.clone(schema));
    expect(unmarked.map(({ path }) => path)).toEqual(['list[]']);
    for (const keyword of ['pattern', 'multipleOf']) {
      expect(Object.hasOwn(field as object, keyword)).toBe(false);
    }
  });

  it('admits what zod 3 refines', () => {
    const schema = checkedInTypeScriptOnly(
      z3.string().refine(() => true),
      'the check',
    );
    const { schema: emitted, findings, exceptions } = emitSchema(z3.object({ field: schema }));
    expect(findings).toEqual([]);
    expect(exceptions).toEqual([{ path: 'field', check: 'the check' }]);
    expect(emitted.properties).toEqual({ field: { type: 'string', 'x-checkedInTypeScriptOnly': 'the check' } });
  });

  it.each<[string, z.ZodType, string]>([
    ['a transform', z.string().transform(Number), 'transform'],
    ['a change of the value', z.string().trim(), 'overwrite'],
    ['coercion', z.coerce.number(), 'coerce'],
    ['what is no JSON', z.date(), 'date'],
  ])('does not admit %s', (_, schema, rule) => {
    const { findings } = emit(checkedInTypeScriptOnly(schema, 'the check'));
    expect(findings.map((finding) => finding.rule)).toContain(rule);
  });

  it.each<[string, z.ZodType]>([
    [
      'is added afterwards',
      checkedInTypeScriptOnly(
        z.string().refine(() => true),
        'one',
      ).refine(() => true),
    ],
    [
      'belongs to a field',
      checkedInTypeScriptOnly(
        z.object({ a: z.string().refine(() => true) }).refine(() => true),
        'one',
      ),
    ],
  ])('does not admit a check that %s', (_, schema) => {
    expect(emit(schema).findings.map(({ rule }) => rule)).toEqual(['refine']);
  });

  it.each([
    ['before', ['only', 'plain']],
    ['after', ['plain', 'only']],
  ])('admits a check only where it is marked: %s the place that is not', (_, order) => {
    const base = z.string().refine((text) => text.length > 3);
    const fields: Record<string, z.ZodType> = {
      only: checkedInTypeScriptOnly(base.optional(), 'the check'),
      plain: base.optional(),
    };
    const { findings, exceptions } = emitSchema(z.object(Object.fromEntries(order.map((key) => [key, fields[key]]))));
    expect(findings.map(({ path, rule }) => `${path}: ${rule}`)).toEqual(['plain: refine']);
    expect(exceptions).toEqual([{ path: 'only', check: 'the check' }]);
  });

  it('lists every place where a marked schema is used', () => {
    const only = checkedInTypeScriptOnly(
      z.string().refine(() => true),
      'the check',
    );
    const { findings, exceptions } = emitSchema(z.object({ x: only, y: only, z: z.array(only) }));
    expect(findings).toEqual([]);
    expect(exceptions.map(({ path }) => path)).toEqual(['x', 'y', 'z[]']);
  });

  it('says what each of two marks of one schema admits', () => {
    const base = z.string().refine(() => true);
    const { schema } = emitSchema(
      z.object({
        x: checkedInTypeScriptOnly(base.nullable(), 'one'),
        y: checkedInTypeScriptOnly(base.optional(), 'two'),
      }),
    );
    expect((schema.properties as { y: object }).y).toMatchObject({ 'x-checkedInTypeScriptOnly': 'one; two' });
  });

  it('refuses to mark what Python checks as well', () => {
    expect(emit(checkedInTypeScriptOnly(z.string().min(1), 'nothing')).findings).toMatchObject([
      { rule: 'needless-exception' },
    ]);
  });

  it('wants to be told what is checked', () => {
    expect(() => checkedInTypeScriptOnly(z.string(), ' ')).toThrow(ContractDefinitionError);
  });
});
