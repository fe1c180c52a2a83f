import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { emitSchema } from '../contract/emission/emission.js';
import type { Schema } from '../contract/schema.js';
import { checkedInTypeScriptOnly } from '../contract/typescript-only.js';
import { together, type Verdict } from './change.js';
import { payloadChanges } from './payload-changes.js';

/** Read as: was, is now, verdict, rules with their pointers. */
type Row = readonly [title: string, older: Schema, newer: Schema, verdict: Verdict, ...changes: string[]];

const FREE = 'any order';
const CONSUMERS = 'consumers first';
const DRAIN = 'producers first and drain';
const BREAKING = 'breaking';

const of = (field: z.ZodType) => z.object({ f: field });
const circle = z.object({ k: z.literal('circle'), r: z.number() });
const square = z.object({ k: z.literal('square'), side: z.number() });
const tree = (id: z.ZodType): z.ZodType => {
  const node: z.ZodType = z.lazy(() => z.object({ id, children: z.array(node) }));
  return node;
};

/** An expression: a number, or an operation on two expressions. */
const expression = (value: z.ZodType, operations: readonly [string, ...string[]]): z.ZodType => {
  const node: z.ZodType = z.lazy(() =>
    z.discriminatedUnion('op', [
      z.object({ op: z.literal('num'), value }),
      z.object({ op: z.enum(operations), left: node, right: node }),
      ...operations.map((op) => z.object({ op: z.literal(`${op}-all`), first: node, more: z.tuple([node, node]) })),
    ]),
  );
  return of(node);
};

const ROWS: readonly Row[] = [
  // Fields
  [
    'an optional field is new',
    of(z.string()),
    z.object({ f: z.string(), g: z.string().optional() }),
    FREE,
    'property-added /properties/g',
  ],
  [
    'a field with a default is new',
    of(z.string()),
    z.object({ f: z.string(), g: z.string().default('') }),
    FREE,
    'property-added /properties/g',
  ],
  [
    'an optional field is gone',
    z.object({ f: z.string(), g: z.string().optional() }),
    of(z.string()),
    FREE,
    'property-removed /properties/g',
  ],
  [
    'a field with a default is gone',
    z.object({ f: z.string(), g: z.int().default(1) }),
    of(z.string()),
    FREE,
    'property-removed /properties/g',
  ],
  [
    'a required field is new',
    of(z.string()),
    z.object({ f: z.string(), g: z.string() }),
    DRAIN,
    'required-added /properties/g',
  ],
  [
    'a required field is gone',
    z.object({ f: z.string(), g: z.string() }),
    of(z.string()),
    CONSUMERS,
    'required-removed /properties/g',
  ],
  [
    'a required field is optional',
    of(z.string()),
    of(z.string().optional()),
    CONSUMERS,
    'required-removed /properties/f',
  ],
  ['an optional field is required', of(z.string().optional()), of(z.string()), DRAIN, 'required-added /properties/f'],
  [
    'a required field has got a default',
    of(z.string()),
    of(z.string().default('')),
    CONSUMERS,
    'default-changed /properties/f',
    'required-removed /properties/f',
  ],
  [
    'a default is gone, and the field required',
    of(z.string().default('')),
    of(z.string()),
    DRAIN,
    'default-changed /properties/f',
    'required-added /properties/f',
  ],
  [
    'a default is gone, and the field optional',
    of(z.string().default('')),
    of(z.string().optional()),
    FREE,
    'default-changed /properties/f',
  ],
  ['a default is another', of(z.int().default(1)), of(z.int().default(2)), FREE, 'default-changed /properties/f'],
  [
    'a field has another name',
    z.object({ a: z.string() }),
    z.object({ b: z.string() }),
    BREAKING,
    'required-removed /properties/a',
    'required-added /properties/b',
  ],
  [
    'an optional field has another name',
    z.object({ a: z.string().optional() }),
    z.object({ b: z.string().optional() }),
    FREE,
    'property-removed /properties/a',
    'property-added /properties/b',
  ],
  [
    'an optional field has another type',
    of(z.string().optional()),
    of(z.int().optional()),
    BREAKING,
    'type-changed /properties/f',
  ],
  [
    'a field within a field is new and required',
    of(z.object({})),
    of(z.object({ g: z.null() })),
    DRAIN,
    'required-added /properties/f/properties/g',
  ],
  [
    'a name needs escaping',
    z.object({ 'a/b~c': z.string() }),
    z.object({ 'a/b~c': z.int() }),
    BREAKING,
    'type-changed /properties/a~1b~0c',
  ],
  [
    'a field is called like something that objects have of themselves',
    z.object({}),
    z.object({ constructor: z.int().optional(), toString: z.int().optional() }),
    FREE,
    'property-added /properties/constructor',
    'property-added /properties/toString',
  ],
  // Closed and open objects
  ['an object is closed', z.object({ f: z.string() }), z.strictObject({ f: z.string() }), FREE, 'rewritten '],
  ['an object is open again', z.strictObject({ f: z.string() }), z.object({ f: z.string() }), FREE, 'rewritten '],
  [
    'a closed object has an optional field more',
    z.strictObject({}),
    z.strictObject({ f: z.string().optional() }),
    CONSUMERS,
    'property-allowed /properties/f',
  ],
  [
    'a closed object has an optional field less',
    z.strictObject({ f: z.string().optional() }),
    z.strictObject({}),
    DRAIN,
    'property-forbidden /properties/f',
  ],
  [
    'a loose object has got a field',
    z.looseObject({}),
    z.looseObject({ f: z.string().optional() }),
    DRAIN,
    'type-narrowed /properties/f',
  ],
  ['a loose object is strict', z.looseObject({}), z.strictObject({}), DRAIN, 'never-added /additionalProperties'],
  [
    'what else may be there is narrower',
    z.object({}).catchall(z.number()),
    z.object({}).catchall(z.int()),
    DRAIN,
    'type-narrowed /additionalProperties',
  ],
  // Types
  ['an integer is any number', of(z.int()), of(z.number()), CONSUMERS, 'type-widened /properties/f'],
  ['a number is an integer', of(z.number()), of(z.int()), DRAIN, 'type-narrowed /properties/f'],
  ['text is a number', of(z.string()), of(z.number()), BREAKING, 'type-changed /properties/f'],
  ['text may be null', of(z.string()), of(z.string().nullable()), CONSUMERS, 'type-widened /properties/f'],
  ['text may be null no more', of(z.string().nullable()), of(z.string()), DRAIN, 'type-narrowed /properties/f'],
  [
    'an object may be null',
    of(z.object({ a: z.int() })),
    of(z.object({ a: z.int() }).nullable()),
    CONSUMERS,
    'union-widened /properties/f',
  ],
  ['text is any JSON', of(z.string()), of(z.json()), CONSUMERS, 'union-widened /properties/f'],
  ['anything at all is text', of(z.unknown()), of(z.string()), DRAIN, 'type-narrowed /properties/f'],
  ['the payload itself has another type', z.string(), z.int(), BREAKING, 'type-changed '],
  [
    'nothing is allowed any more',
    of(z.string().optional()),
    of(z.never().optional()),
    DRAIN,
    'never-added /properties/f',
  ],
  // Texts
  ['a text may be shorter', of(z.string().min(2)), of(z.string().min(1)), CONSUMERS, 'bounds-widened /properties/f'],
  ['a text has to be longer', of(z.string().min(1)), of(z.string().min(2)), DRAIN, 'bounds-narrowed /properties/f'],
  ['a text has got a greatest length', of(z.string()), of(z.string().max(9)), DRAIN, 'bounds-narrowed /properties/f'],
  [
    'a text may be longer on one side and shorter on the other',
    of(z.string().min(2).max(4)),
    of(z.string().min(3).max(5)),
    BREAKING,
    'bounds-changed /properties/f',
  ],
  ['a text has got a pattern', of(z.string()), of(z.string().regex(/^a/)), DRAIN, 'pattern-added /properties/f'],
  ['a pattern is gone', of(z.string().regex(/^a/)), of(z.string()), CONSUMERS, 'pattern-removed /properties/f'],
  [
    'a pattern is another',
    of(z.string().regex(/^a/)),
    of(z.string().regex(/^ab/)),
    BREAKING,
    'pattern-changed /properties/f',
  ],
  [
    'one pattern of two is gone',
    of(z.string().regex(/a/).regex(/b/)),
    of(z.string().regex(/b/)),
    CONSUMERS,
    'pattern-removed /properties/f',
  ],
  ['text is a UUID', of(z.string()), of(z.uuid()), DRAIN, 'pattern-added /properties/f'],
  ['a UUID is text', of(z.uuid()), of(z.string()), CONSUMERS, 'pattern-removed /properties/f'],
  ['an address is a moment', of(z.email()), of(z.iso.datetime()), BREAKING, 'pattern-changed /properties/f'],
  // Numbers
  ['a number may be smaller', of(z.int().min(1)), of(z.int().min(0)), CONSUMERS, 'bounds-widened /properties/f'],
  [
    'a number may not be as great',
    of(z.number().max(10)),
    of(z.number().max(9)),
    DRAIN,
    'bounds-narrowed /properties/f',
  ],
  ['a bound of integers is written otherwise', of(z.int().min(1)), of(z.int().gt(0)), FREE, 'rewritten /properties/f'],
  [
    'a bound of numbers excludes itself',
    of(z.number().min(0)),
    of(z.number().gt(0)),
    DRAIN,
    'bounds-narrowed /properties/f',
  ],
  [
    'a bound of numbers includes itself',
    of(z.number().lt(0)),
    of(z.number().max(0)),
    CONSUMERS,
    'bounds-widened /properties/f',
  ],
  [
    'a step is a part of the old one',
    of(z.int().multipleOf(10)),
    of(z.int().multipleOf(5)),
    CONSUMERS,
    'bounds-widened /properties/f',
  ],
  ['a step is another', of(z.int().multipleOf(4)), of(z.int().multipleOf(6)), BREAKING, 'bounds-changed /properties/f'],
  // Choices
  ['a choice is new', of(z.enum(['a', 'b'])), of(z.enum(['a', 'b', 'c'])), CONSUMERS, 'enum-widened /properties/f'],
  ['a choice is gone', of(z.enum(['a', 'b'])), of(z.enum(['a'])), DRAIN, 'enum-narrowed /properties/f'],
  ['a choice is another', of(z.enum(['a', 'b'])), of(z.enum(['a', 'c'])), BREAKING, 'enum-changed /properties/f'],
  ['choices are in another order', of(z.enum(['a', 'b'])), of(z.enum(['b', 'a'])), FREE, 'rewritten /properties/f'],
  ['text is a choice', of(z.string()), of(z.enum(['a'])), DRAIN, 'enum-narrowed /properties/f'],
  ['a choice is any text', of(z.enum(['a'])), of(z.string()), CONSUMERS, 'enum-widened /properties/f'],
  [
    'a choice is text that is long enough',
    of(z.enum(['aa', 'bbb'])),
    of(z.string().min(2)),
    CONSUMERS,
    'enum-widened /properties/f',
  ],
  ['one literal is another', of(z.literal(1)), of(z.literal(2)), BREAKING, 'enum-changed /properties/f'],
  ['a literal is a choice', of(z.literal('a')), of(z.enum(['a', 'b'])), CONSUMERS, 'enum-widened /properties/f'],
  ['a flag is always true', of(z.boolean()), of(z.literal(true)), DRAIN, 'enum-narrowed /properties/f'],
  [
    'a choice is spelled as a union',
    of(z.enum(['a', 'b'])),
    of(z.union([z.literal('a'), z.literal('b')])),
    FREE,
    'rewritten /properties/f',
  ],
  // Lists
  ['elements are wider', of(z.array(z.int())), of(z.array(z.number())), CONSUMERS, 'type-widened /properties/f/items'],
  [
    'elements are narrower',
    of(z.array(z.string())),
    of(z.array(z.string().min(1))),
    DRAIN,
    'bounds-narrowed /properties/f/items',
  ],
  [
    'a list may not be empty',
    of(z.array(z.int())),
    of(z.array(z.int()).min(1)),
    DRAIN,
    'bounds-narrowed /properties/f',
  ],
  [
    'a list may be longer',
    of(z.array(z.int()).max(2)),
    of(z.array(z.int()).max(3)),
    CONSUMERS,
    'bounds-widened /properties/f',
  ],
  [
    'a field of elements is new and optional',
    of(z.array(z.object({}))),
    of(z.array(z.object({ a: z.int().optional() }))),
    FREE,
    'property-added /properties/f/items/properties/a',
  ],
  [
    'a tuple is a list',
    of(z.tuple([z.int(), z.int()])),
    of(z.array(z.int())),
    CONSUMERS,
    'bounds-widened /properties/f',
    'never-removed /properties/f/items',
  ],
  [
    'a tuple is longer',
    of(z.tuple([z.int()])),
    of(z.tuple([z.int(), z.int()])),
    BREAKING,
    'bounds-changed /properties/f',
    'never-removed /properties/f/prefixItems/1',
  ],
  [
    'a place of a tuple has another type',
    of(z.tuple([z.int(), z.int()])),
    of(z.tuple([z.int(), z.string()])),
    BREAKING,
    'type-changed /properties/f/prefixItems/1',
  ],
  [
    'a tuple may go on',
    of(z.tuple([z.int()])),
    of(z.tuple([z.int()], z.string())),
    CONSUMERS,
    'bounds-widened /properties/f',
    'never-removed /properties/f/items',
  ],
  // Records
  [
    'values of a record are wider',
    of(z.record(z.string(), z.int())),
    of(z.record(z.string(), z.number())),
    CONSUMERS,
    'type-widened /properties/f/additionalProperties',
  ],
  [
    'keys of a record have got a pattern',
    of(z.record(z.string(), z.int())),
    of(z.record(z.string().regex(/^a/), z.int())),
    DRAIN,
    'pattern-added /properties/f/propertyNames',
  ],
  [
    'a record has another key',
    of(z.partialRecord(z.enum(['a']), z.int())),
    of(z.partialRecord(z.enum(['a', 'b']), z.int())),
    CONSUMERS,
    'enum-widened /properties/f/propertyNames',
  ],
  [
    'an object is a record',
    of(z.object({ a: z.int() })),
    of(z.record(z.string(), z.int())),
    CONSUMERS,
    'required-removed /properties/f/properties/a',
  ],
  [
    'matching keys are wider',
    of(z.looseRecord(z.string().regex(/^a/), z.int())),
    of(z.looseRecord(z.string().regex(/^a/), z.number())),
    CONSUMERS,
    'type-widened /properties/f/patternProperties/^a',
  ],
  // Unions and recursion
  [
    'a branch is new',
    of(z.union([z.string(), z.int()])),
    of(z.union([z.string(), z.int(), z.boolean()])),
    CONSUMERS,
    'union-widened /properties/f',
  ],
  ['a branch is gone', of(z.union([z.string(), z.int()])), of(z.string()), DRAIN, 'union-narrowed /properties/f'],
  [
    'branches are in another order',
    of(z.union([z.string(), z.int()])),
    of(z.union([z.int(), z.string()])),
    FREE,
    'rewritten /properties/f/anyOf/0',
    'rewritten /properties/f/anyOf/1',
  ],
  [
    'a type is a branch',
    of(circle),
    of(z.discriminatedUnion('k', [circle, square])),
    CONSUMERS,
    'union-widened /properties/f',
  ],
  [
    'a shape is new',
    of(z.discriminatedUnion('k', [circle])),
    of(z.discriminatedUnion('k', [circle, square])),
    CONSUMERS,
    'union-widened /properties/f',
  ],
  [
    'a shape is gone',
    of(z.discriminatedUnion('k', [circle, square])),
    of(z.discriminatedUnion('k', [circle])),
    DRAIN,
    'union-narrowed /properties/f',
  ],
  [
    'a shape has got an optional field',
    of(z.discriminatedUnion('k', [circle, square])),
    of(z.discriminatedUnion('k', [circle.extend({ at: z.int().optional() }), square])),
    FREE,
    'property-added /properties/f/oneOf/0/properties/at',
  ],
  [
    'a shape has got a required field',
    of(z.discriminatedUnion('k', [circle, square])),
    of(z.discriminatedUnion('k', [circle, square.extend({ at: z.int() })])),
    DRAIN,
    'required-added /properties/f/oneOf/1/properties/at',
  ],
  ['what repeats itself is wider', tree(z.int()), tree(z.number()), CONSUMERS, 'type-widened /properties/id'],
  ['what repeats itself is the same', tree(z.int()), tree(z.int()), FREE],
  [
    'exactly one branch has to fit, and two do',
    of(z.string().min(2).max(5)),
    of(z.xor([z.string(), z.string().min(2)])),
    BREAKING,
    'bounds-widened /properties/f',
    'union-narrowed /properties/f',
  ],
  // What only people read
  [
    'a description is another',
    of(z.string().describe('old')),
    of(z.string().meta({ title: 'New', description: 'new' })),
    FREE,
  ],
  [
    'metadata is new',
    of(z.string()),
    of(z.string().meta({ owner: 'billing', examples: ['a'], deprecated: true })),
    FREE,
  ],
  ['nothing has changed', of(z.string()), of(z.string()), FREE],
];

describe('a change of data', () => {
  it.each(ROWS.map((row) => [...row]))('%s', (...row) => {
    const [, older, newer, verdict, ...expected] = row as unknown as Row;
    const changes = payloadChanges('data', emitSchema(older).schema, emitSchema(newer).schema);
    expect(changes.map(({ rule, pointer }) => `${rule} ${pointer}`)).toEqual(expected);
    expect(together(changes.map((change) => change.verdict))).toBe(verdict);
  });
});

describe('a change of a result', () => {
  // Whoever reads results is the producer: the order is the other way round.
  it.each<[string, z.ZodType, z.ZodType, Verdict]>([
    ['a choice is new', of(z.enum(['a'])), of(z.enum(['a', 'b'])), 'producers first'],
    ['a choice is gone', of(z.enum(['a', 'b'])), of(z.enum(['a'])), 'consumers first and drain'],
    ['a required field is gone', z.object({ f: z.int(), g: z.int() }), of(z.int()), 'producers first'],
    ['a required field is new', of(z.int()), z.object({ f: z.int(), g: z.int() }), 'consumers first and drain'],
    ['an optional field is new', of(z.int()), z.object({ f: z.int(), g: z.int().optional() }), FREE],
    ['a type is another', of(z.int()), of(z.string()), BREAKING],
  ])('%s', (_, older, newer, verdict) => {
    const changes = payloadChanges('result', emitSchema(older).schema, emitSchema(newer).schema);
    expect(together(changes.map((change) => change.verdict))).toBe(verdict);
  });
});

describe('what is said of a change', () => {
  const changesOf = (older: z.ZodType, newer: z.ZodType, stillRuns = true) =>
    payloadChanges('data', emitSchema(older).schema, emitSchema(newer).schema, { stillRuns });

  it('names a value that one side writes and the other refuses', () => {
    const older = z.object({ id: z.string(), f: z.enum(['a', 'b']).optional() });
    const newer = z.object({ id: z.string(), f: z.enum(['a']).optional() });
    const [change] = changesOf(older, newer);
    expect(change).toMatchObject({ rule: 'enum-narrowed', witness: { f: 'b' } });
    expect(older.safeParse(change?.witness).success).toBe(true);
    expect(newer.safeParse(change?.witness).success).toBe(false);
  });

  it('has the same witness each time', () => {
    const [first, second] = [0, 1].map(() => changesOf(of(z.int()), of(z.int().max(5))));
    expect(first).toEqual(second);
    expect(first?.[0]).toHaveProperty('witness');
  });

  it('names a value of a schema most of whose values have no end', () => {
    const [older, newer] = [9, 5].map((most) => expression(z.number().max(most), ['add', 'sub', 'mul', 'div']));
    const [change, ...more] = changesOf(older as z.ZodType, newer as z.ZodType);
    expect(change).toMatchObject({ rule: 'bounds-narrowed', verdict: DRAIN });
    expect(older?.safeParse(change?.witness).success).toBe(true);
    expect(newer?.safeParse(change?.witness).success).toBe(false);
    expect(more).toEqual([]);
  });

  it('comes to an end where a schema has no value', () => {
    const endless = (id: z.ZodType): z.ZodType => {
      const node: z.ZodType = z.lazy(() => z.object({ id, left: node, right: node }));
      return node;
    };
    const [change] = changesOf(endless(z.int()), endless(z.string()));
    expect(change).toMatchObject({ rule: 'type-changed', verdict: BREAKING });
    expect(change).not.toHaveProperty('witness');
  });

  it('says so when nothing could be decided', () => {
    const [change] = changesOf(of(z.string().regex(/^zq{3}$/)), of(z.string().regex(/^z(?:qqq)$/)));
    expect(change).toMatchObject({ rule: 'pattern-changed', verdict: BREAKING });
    expect(change).not.toHaveProperty('witness');
    expect(change?.message).toContain('cannot be decided');
  });

  it('asks of a version that nobody runs only whether what it has left can be read', () => {
    expect(changesOf(of(z.string()), of(z.string().nullable()), false)[0]).toMatchObject({ verdict: FREE });
    expect(changesOf(of(z.string().nullable()), of(z.string()), false)[0]).toMatchObject({ verdict: DRAIN });
  });

  it('counts what only TypeScript checks where TypeScript reads', () => {
    const older = of(z.string());
    const newer = of(checkedInTypeScriptOnly(z.string().refine(Boolean), 'that there is any text'));
    const [before, after] = [emitSchema(older).schema, emitSchema(newer).schema];
    expect(payloadChanges('data', before, after)).toEqual([]);
    expect(payloadChanges('result', before, after)).toMatchObject([
      { rule: 'keyword-narrowed', pointer: '/properties/f', verdict: 'consumers first and drain' },
    ]);
  });

  it('takes a keyword that it does not know for a narrower one', () => {
    const older = { type: 'array', items: { type: 'string' } };
    const changes = payloadChanges('data', older, { ...older, uniqueItems: true });
    expect(changes).toMatchObject([{ rule: 'keyword-narrowed', pointer: '', verdict: DRAIN }]);
  });
});

describe('several changes together', () => {
  it.each<[readonly Verdict[], Verdict]>([
    [[], FREE],
    [[FREE, CONSUMERS], CONSUMERS],
    [['producers first', DRAIN], DRAIN],
    [[CONSUMERS, DRAIN], BREAKING],
    [[BREAKING, FREE], BREAKING],
  ])('%j is %s', (verdicts, all) => {
    expect(together(verdicts)).toBe(all);
  });
});
