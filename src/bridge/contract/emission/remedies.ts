/** Why something cannot be carried, and what to write instead. Both continue a sentence and end without a full stop. */
export interface Remedy {
  readonly reason: string;
  readonly wayOut: string;
}

/** What the linter refuses, by rule. Rules are named after what the author of the contract wrote. */
export const REMEDIES = {
  bigint: { reason: 'JSON has no bigint', wayOut: 'z.int(), or a z.codec() over a string of digits' },
  catch: {
    reason: '.catch() turns bad values into good ones in TypeScript only',
    wayOut: '.default(…) or .optional()',
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
  empty: {
    reason: 'the schema demands nothing, so both sides would accept anything',
    wayOut: 'the shape that is meant, or z.json() where any JSON is',
  },
  file: { reason: 'JSON has no file', wayOut: 'a path or an id: z.string()' },
  function: { reason: 'JSON has no function', wayOut: 'a name for it: z.enum([…])' },
  literal: { reason: 'JSON has neither undefined nor bigint', wayOut: '.optional(), or the number as text' },
  map: { reason: 'JSON has no Map', wayOut: 'z.record(z.string(), …)' },
  'multiple-of': {
    reason: 'a fractional step is inexact in binary: 19.99 is no multiple of 0.01 to most validators',
    wayOut: 'an integer of the smaller unit, for example cents',
  },
  nan: { reason: 'JSON has no NaN', wayOut: 'z.null()' },
  overwrite: {
    reason: 'it changes the value (.trim(), .toLowerCase() and the like) in TypeScript only',
    wayOut: 'change the value before it is added, and demand the outcome with .regex()',
  },
  pipe: { reason: '.pipe() checks twice, and only its first schema is emitted', wayOut: 'one schema, or z.codec()' },
  position: { reason: 'a position counts UTF-16 units', wayOut: '.regex() with the u flag' },
  preprocess: {
    reason: 'z.preprocess() is code, which only TypeScript can run',
    wayOut: 'prepare the value before the job is added',
  },
  promise: { reason: 'JSON has no promise', wayOut: 'the schema of what it resolves to' },
  refine: {
    reason: '.refine(), .superRefine() and .check() are code, which only TypeScript can run',
    wayOut: 'say it with .regex(), .min(), .max(), z.enum() or z.union(), or check it in the processor',
  },
  set: { reason: 'JSON has no Set', wayOut: 'z.array(…)' },
  symbol: { reason: 'JSON has no symbol', wayOut: 'z.enum([…]) or z.literal(…)' },
  transform: {
    reason: 'a transform is code, which only TypeScript can run',
    wayOut: 'z.codec(wire, value, …), or transform after parsing',
  },
  undefined: { reason: 'JSON has no undefined', wayOut: '.optional() on the field, or z.null()' },
  void: { reason: 'JSON has no undefined', wayOut: 'z.null()' },
} satisfies Record<string, Remedy>;

/** A rule whose remedy is always the same. */
export type FixedRule = keyof typeof REMEDIES;

/** Whether a name, of a zod type for example, is a rule with a fixed remedy. */
export function isFixedRule(name: string): name is FixedRule {
  return Object.hasOwn(REMEDIES, name);
}
