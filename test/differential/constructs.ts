import * as z from 'zod';
import { z as z3 } from 'zod/v3';
import type { Schema } from '../../src/bridge/contract/schema.js';
import { defineQueue } from '../../src/bridge/index.js';
import { mirrored } from '../gates/shapes.js';

interface Tree {
  readonly id: number;
  readonly children: readonly Tree[];
}

const tree: z.ZodType<Tree> = z.lazy(() => z.object({ id: z.int(), children: z.array(tree) }));

const moment = z.codec(z.iso.datetime(), z.date(), {
  decode: (text) => new Date(text),
  encode: (date) => date.toISOString(),
});

const digits = z.codec(z.string().regex(/^(?:0|[1-9]\d{0,30})$/), z.bigint(), {
  decode: (text) => BigInt(text),
  encode: (count) => count.toString(),
});

/** Emitted once, under `$defs`. */
const line = z.object({ sku: z.string().min(1), count: z.int().min(1).default(1) }).meta({ id: 'Line' });

const address = z.object({ street: z.string().min(1), zip: z.string().regex(/^\d{5}$/) });

/** Every construct that the linter admits, each by itself or with what it is usually written with. */
const CONSTRUCTS: Readonly<Record<string, Schema>> = {
  // Text.
  string: z.string(),
  'string length': z.string().min(2).max(5),
  'string exact length': z.string().length(3),
  'string start': z.string().startsWith('a.'),
  'string end': z.string().endsWith('$z'),
  'string part': z.string().includes('(+)'),
  'string start and end': z.string().startsWith('<').endsWith('>').min(3),
  'string lower case': z.string().lowercase(),
  'string upper case': z.string().uppercase(),
  'pattern of classes': z.string().regex(/^\w+\s[^\d]{1,3}$/u),
  'pattern without anchors': z.string().regex(/b+c/),
  'pattern with alternatives': z.string().regex(/^(?:a|b(?<c>c)?)*\.{2,3}$/),
  'pattern beyond the basic plane': z.string().regex(/^[\u{1F600}-\u{1F64F}a]{1,2}$/u),
  'pattern with a look ahead': z.string().regex(/^(?=.*\d)(?!.*--)[\da-z-]{3,9}$/u),
  'template literal': z.templateLiteral(['v', z.int(), '-', z.enum(['a', 'b'])]),
  'template of free text': z.templateLiteral([z.string().min(1), '@', z.number()]),
  // Formats.
  email: z.email(),
  'email of html': z.email({ pattern: z.regexes.html5Email }),
  'email in any script': z.email({ pattern: z.regexes.unicodeEmail }),
  uuid: z.uuid(),
  'uuid version 4': z.uuidv4(),
  'uuid version 7': z.uuidv7(),
  guid: z.guid(),
  nanoid: z.nanoid(),
  cuid: z.cuid(),
  cuid2: z.cuid2(),
  ulid: z.ulid(),
  xid: z.xid(),
  ksuid: z.ksuid(),
  'moment in time': z.iso.datetime(),
  'moment with offset': z.iso.datetime({ offset: true }),
  'local moment': z.iso.datetime({ local: true }),
  'moment in milliseconds': z.iso.datetime({ precision: 3 }),
  day: z.iso.date(),
  'time of day': z.iso.time(),
  ipv4: z.ipv4(),
  cidrv4: z.cidrv4(),
  mac: z.mac(),
  base64: z.base64(),
  base64url: z.base64url(),
  hex: z.hex(),
  hash: z.hash('sha256'),
  e164: z.e164(),
  // Numbers.
  number: z.number(),
  'number in bounds': z.number().min(-1.5).max(2),
  'number within bounds': z.number().gt(0).lt(1),
  int: z.int(),
  'int in bounds': z.int().min(1).max(10),
  'int above': z.int().positive(),
  'int step': z.int().min(-1e6).max(1e6).multipleOf(5),
  int32: z.int32(),
  uint32: z.uint32(),
  float32: z.float32(),
  float64: z.float64(),
  // Choices.
  boolean: z.boolean(),
  null: z.null(),
  enum: z.enum(['red', 'green', '']),
  'enum of numbers': z.nativeEnum({ A: 1, B: 'b' }),
  literal: z.literal('only'),
  'literal of several': z.literal([1, 0, 'a', null, true]),
  union: z.union([z.string().max(3), z.int(), z.array(z.null())]),
  'exclusive union': z.xor([z.string(), z.int(), z.object({ a: z.int() })]),
  'discriminated union': z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('circle'), radius: z.number().positive() }),
    z.object({ kind: z.enum(['square', 'box']), side: z.int(), deep: z.strictObject({ a: z.null() }).optional() }),
  ]),
  nullable: z.int().nullable(),
  // Arrays.
  array: z.array(z.int().max(9)),
  'array length': z.array(z.string()).min(1).max(3),
  'array of objects': z.array(address),
  tuple: z.tuple([z.string(), z.int()]),
  'tuple with a rest': z.tuple([z.string()], z.boolean()),
  'tuple with an optional end': z.tuple([z.string(), z.int().optional()]),
  // Objects.
  object: z.object({ a: z.int(), b: z.string().optional(), 'c/d': z.boolean(), 'e~f': z.null() }),
  'object of nothing': z.object({}),
  'strict object': z.strictObject({ a: z.int(), b: z.string().optional() }),
  'loose object': z.looseObject({ a: z.int() }),
  'object with a rest': z.object({ a: z.int() }).catchall(z.string().max(2)),
  'odd names': z.object({ constructor: z.int(), '': z.int(), length: z.int().optional(), 'a b': z.null() }),
  'optional fields': z.object({ a: z.int().optional(), b: z.string().nullish(), c: z.int().exactOptional() }),
  'required again': z.object({ a: z.nonoptional(z.string().optional()) }),
  'a field that must be absent': z.object({ a: z.never().optional(), b: z.int() }),
  'partial object': address.partial(),
  'extended object': address.extend({ tags: z.array(z.string()).readonly() }).readonly(),
  intersection: z.intersection(z.object({ a: z.int(), both: z.int() }), z.object({ b: z.int(), both: z.int().min(2) })),
  record: z.record(z.string(), z.int()),
  'record by pattern': z.record(z.string().regex(/^[a-z]{1,4}$/), z.boolean()),
  'record by name': z.record(z.enum(['a', 'b']), z.int()),
  'record by some names': z.partialRecord(z.enum(['a', 'b']), z.int()),
  'record by digits': z.record(z.string().regex(/^\d+$/), z.string()),
  'shared definition': z.object({ first: line, more: z.array(line) }),
  'loose record': z.looseRecord(z.string().regex(/^x-/), z.int()),
  tree,
  'any json': z.object({ any: z.json() }),
  'anything at all': z.object({ any: z.unknown(), more: z.any().optional() }),
  branded: z.object({ id: z.int().min(1).brand('id') }),
  // What fills in or translates.
  default: z.object({ n: z.int().default(7), o: z.object({ p: z.int().default(1) }).default({ p: 2 }) }),
  prefault: z.object({ n: z.string().min(1).prefault('x') }),
  'codec of a date': z.object({ at: moment, maybe: moment.optional(), many: z.array(moment) }),
  'codec of a bigint': z.object({ count: digits }),
  // Contracts that are still written with zod 3; the lengths of its strings count UTF-16 units, which `emit` warns of.
  'zod 3 object': z3.object({ a: z3.string().min(1), n: z3.number().int().safe().optional(), c: z3.enum(['x', 'y']) }),
  'zod 3 strict object': z3.object({ a: z3.boolean(), n: z3.string().nullable() }).strict(),
  'zod 3 collections': z3.object({
    list: z3.array(z3.number().min(1).max(5)).max(3),
    pair: z3.tuple([z3.string(), z3.null()]),
    counts: z3.record(z3.number()),
  }),
  'zod 3 unions': z3.union([
    z3.literal('a'),
    z3.number().int().min(0).max(99).multipleOf(5),
    z3.nativeEnum({ A: 1, B: 2 }),
  ]),
  'zod 3 discriminated union': z3.discriminatedUnion('k', [
    z3.object({ k: z3.literal('a'), n: z3.number() }),
    z3.object({ k: z3.literal('b') }),
  ]),
  'zod 3 intersection': z3.intersection(z3.object({ a: z3.string() }), z3.object({ b: z3.number() })),
  'zod 3 patterns': z3.object({ code: z3.string().regex(/^[a-z]+$/), mail: z3.string().email() }),
  'zod 3 default': z3.object({ n: z3.number().default(1) }).passthrough(),
};

/** The constructs as the jobs of a queue; the result of each is what its data is. */
export const constructs = defineQueue(
  'constructs',
  Object.fromEntries(Object.entries(CONSTRUCTS).map(([name, schema]) => [name, mirrored(schema)])),
);
