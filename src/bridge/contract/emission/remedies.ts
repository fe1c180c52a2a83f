/** Why something cannot be carried, and what to write instead. Both continue a sentence and end without a full stop. */
export interface Remedy {
  readonly reason: string;
  readonly wayOut: string;
}

/** What the linter refuses, by rule. Rules are named after what the author of the contract wrote. */
export const REMEDIES = {
  bigint: { reason: 'JSON has no bigint', wayOut: 'z.int(), or a z.codec() over a string of digits' },
  bound: {
    reason: 'the bound is no finite number or leaves no integer up to 2^53, or the length is no whole number from 0',
    wayOut: 'a number, or no bound at all',
  },
  catch: {
    reason: '.catch() turns bad values into good ones in TypeScript only',
    wayOut: '.default(…) or .optional()',
  },
  'changing-intersection': {
    reason:
      'both sides of the intersection know a key for which one has a default or a codec, and zod cannot merge the two',
    wayOut: 'one object: a.extend(b.shape)',
  },
  'closed-intersection': {
    reason:
      'a side of the intersection is closed (a strict object, or a record of certain keys), which zod and JSON Schema read differently',
    wayOut: 'one object: z.strictObject({ ...a.shape, ...b.shape })',
  },
  codec: {
    reason: 'the decoded side of the codec has checks, and only its wire side is emitted',
    wayOut: 'put the checks on the wire side',
  },
  coerce: {
    reason: 'z.coerce converts in TypeScript what Python would refuse',
    wayOut: 'convert before the job is added, and use the plain schema',
  },
  'computed-default': {
    reason: 'the default differs each time, and with it the schema and its fingerprint',
    wayOut: 'a constant, or .optional() and the value at the call',
  },
  custom: {
    reason: 'z.custom() and z.instanceof() are code, which only TypeScript can run',
    wayOut: 'a schema that describes the value',
  },
  date: { reason: 'JSON has no date', wayOut: 'z.iso.datetime(), or z.codec(z.iso.datetime(), z.date(), …)' },
  default: { reason: 'the default does not satisfy its own schema', wayOut: 'a default that does' },
  discriminator: {
    reason: 'zod 3 refuses a discriminator that is left out, also where it has a default',
    wayOut: 'a discriminator without a default',
  },
  'duplicate-id': {
    reason: 'two schemas have the same id',
    wayOut: 'an id of its own for each in .meta({ id })',
  },
  empty: {
    reason: 'the schema demands nothing, so both sides would accept anything',
    wayOut: 'the shape that is meant, or z.json() where any JSON is',
  },
  'empty-union': { reason: 'a union of nothing accepts nothing', wayOut: 'options, or z.never()' },
  file: { reason: 'JSON has no file', wayOut: 'a path or an id: z.string()' },
  format: {
    reason: 'a format alone demands nothing in JSON Schema',
    wayOut: 'z.string().regex(…) with what has to hold, or checkedInTypeScriptOnly(…)',
  },
  function: { reason: 'JSON has no function', wayOut: 'a name for it: z.enum([…])' },
  id: {
    reason: 'the id names a definition in the emitted schema, and is no plain name',
    wayOut: 'an id of letters, digits, _, . and -, which begins with a letter',
  },
  intersection: {
    reason: 'a side of the intersection is closed, which zod 3 and JSON Schema read differently',
    wayOut: 'one object: a.merge(b)',
  },
  literal: {
    reason: 'JSON has no such literal: no undefined, bigint, NaN or Infinity',
    wayOut: '.optional(), or the number as text',
  },
  'loose-codec': {
    reason: 'zod cannot encode the values of a loose record that its pattern does not mean',
    wayOut: 'z.record(…), or values without a codec',
  },
  'loose-record': {
    reason: 'JSON Schema can let other keys through only where one pattern says which keys are meant',
    wayOut: 'z.looseRecord(z.string().regex(…), …) with nothing else on the key, or z.record(…)',
  },
  map: { reason: 'JSON has no Map', wayOut: 'z.record(z.string(), …)' },
  metadata: {
    reason: '.meta() sets a keyword that only Python would check',
    wayOut:
      "zod's own method for it, and in .meta() only what describes: title, description, examples or keys of your own",
  },
  'mixed-versions': {
    reason: 'it mixes schemas of zod 3 and zod 4, which do not know each other',
    wayOut: 'one version of zod for the whole payload',
  },
  'multiple-of': {
    reason: 'steps are exact for integers only: 19.99 is no multiple of 0.01 to most validators',
    wayOut: 'an integer of the smaller unit, for example cents: z.int().min(0).max(1_000_000).multipleOf(5)',
  },
  nan: { reason: 'JSON has no NaN', wayOut: 'z.null()' },
  'needless-exception': {
    reason: 'checkedInTypeScriptOnly() finds nothing here that Python could not check',
    wayOut: 'remove it, or put it around the schema that has the check',
  },
  optional: {
    reason: 'a value can be left out only of an object or a record: in a list undefined becomes null',
    wayOut: '.nullable(), or .optional() on a field of an object',
  },
  overwrite: {
    reason: 'it changes the value (.trim(), .toLowerCase() and the like) in TypeScript only',
    wayOut: 'change the value before it is added, and demand the outcome with .regex()',
  },
  'own-schema': {
    reason: 'the schema brings its own JSON Schema, which need not be what zod checks',
    wayOut: 'a schema made of zod’s parts',
  },
  pipe: { reason: '.pipe() checks twice, and only its first schema is emitted', wayOut: 'one schema, or z.codec()' },
  position: { reason: 'a position counts UTF-16 units', wayOut: '.regex() with the u flag' },
  preprocess: {
    reason: 'z.preprocess() is code, which only TypeScript can run',
    wayOut: 'prepare the value before the job is added',
  },
  promise: { reason: 'JSON has no promise', wayOut: 'the schema of what it resolves to' },
  proto: {
    reason: 'every object of JavaScript has a property of this name, which zod takes for a field that is left out',
    wayOut: 'another name',
  },
  'record-key': {
    reason: 'keys are text in JSON, and only text can be checked there',
    wayOut: 'z.string(), with .regex(/^\\d+$/) for numbers, or z.enum([…])',
  },
  refine: {
    reason: '.refine(), .superRefine() and .check() are code, which only TypeScript can run',
    wayOut:
      'say it with .regex(), .min(), .max(), z.enum() or z.union(), or admit it: checkedInTypeScriptOnly(schema, what)',
  },
  'several-steps': {
    reason: 'it has more than one step, and zod-to-json-schema writes the last only',
    wayOut: '.multipleOf(…) with the least common multiple of all of them',
  },
  set: { reason: 'JSON has no Set', wayOut: 'z.array(…)' },
  symbol: { reason: 'JSON has no symbol', wayOut: 'z.enum([…]) or z.literal(…)' },
  text: {
    reason: 'the text that zod 3 looks for has characters that zod-to-json-schema writes wrongly',
    wayOut: '.regex(…), or zod 4',
  },
  transform: {
    reason: 'a transform is code, which only TypeScript can run',
    wayOut: 'z.codec(wire, value, …), or transform after parsing',
  },
  ulid: {
    reason: 'zod 3 takes a ULID in lower case as well, and zod-to-json-schema writes a pattern for upper case only',
    wayOut: '.regex(/^[0-9A-HJKMNP-TV-Z]{26}$/), or zod 4',
  },
  undefined: { reason: 'JSON has no undefined', wayOut: '.optional() on the field, or z.null()' },
  'absent-anything': {
    reason: 'here zod takes z.unknown() or z.any() to be there also where it is left out',
    wayOut: 'z.json()',
  },
  'unemitted-secret': {
    reason:
      'the mark is on a part that is not emitted (the decoded side of a codec, or of a template), and hides nothing',
    wayOut: '.meta({ secret: true }) on the codec or the template itself',
  },
  'unbounded-step': {
    reason: 'of numbers beyond 2^49, zod takes for multiples what are none',
    wayOut: '.min(…) and .max(…) as well, for example z.int().min(0).max(1_000_000).multipleOf(5)',
  },
  void: { reason: 'JSON has no undefined', wayOut: 'z.null()' },
} satisfies Record<string, Remedy>;

/** A rule whose remedy is always the same. */
export type FixedRule = keyof typeof REMEDIES;

/** Whether a name, of a zod type for example, is a rule with a fixed remedy. */
export function isFixedRule(name: string): name is FixedRule {
  return Object.hasOwn(REMEDIES, name);
}
