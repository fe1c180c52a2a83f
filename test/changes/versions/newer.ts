import * as z from 'zod';
import { defineQueue } from '../../../src/bridge/index.js';
import { circle, returning, square, taking, tree } from './shapes.js';

/** What is deployed. */
export const newer = defineQueue('versions', {
  'optional field new': taking(z.object({ to: z.string(), note: z.string().optional() })),
  'defaulted field new': taking(z.object({ to: z.string(), copies: z.int().default(1) })),
  'optional field gone': taking(z.object({ to: z.string() })),
  'required field gone': taking(z.object({ to: z.string() })),
  'required field new': taking(z.object({ to: z.string(), note: z.string() })),
  'choice new': taking(z.object({ kind: z.enum(['a', 'b', 'c']) })),
  'choice gone': taking(z.object({ kind: z.enum(['a', 'b']) })),
  'nullable no more': taking(z.object({ to: z.string() })),
  'integer is number': taking(z.object({ n: z.number() })),
  'text is longer': taking(tree(2)),
  'type another': taking(z.object({ n: z.int() })),
  'field renamed': taking(z.object({ b: z.string() })),
  'strict with more': taking(z.strictObject({ a: z.string(), b: z.string().optional() })),
  'shape new': taking(z.discriminatedUnion('kind', [circle, square])),
  'shape gone': taking(z.discriminatedUnion('kind', [circle])),
  'pattern another': taking(z.object({ code: z.string().regex(/^[A-Z]+$/) })),
  'job new': taking(z.object({})),
  'result: field new': returning(z.object({ pages: z.int(), words: z.int().optional() })),
  'result: choice new': returning(z.enum(['done', 'partly', 'none'])),
  'result: choice gone': returning(z.enum(['done', 'partly'])),
  'result: type another': returning(z.object({ pages: z.array(z.int()) })),
});
