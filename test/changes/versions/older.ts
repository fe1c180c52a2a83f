import * as z from 'zod';
import { defineQueue } from '../../../src/bridge/index.js';
import { circle, returning, square, taking, tree } from './shapes.js';

/** What runs before the deploy. */
export const older = defineQueue('versions', {
  'optional field new': taking(z.object({ to: z.string() })),
  'defaulted field new': taking(z.object({ to: z.string() })),
  'optional field gone': taking(z.object({ to: z.string(), note: z.string().optional() })),
  'required field gone': taking(z.object({ to: z.string(), note: z.string() })),
  'required field new': taking(z.object({ to: z.string() })),
  'choice new': taking(z.object({ kind: z.enum(['a', 'b']) })),
  'choice gone': taking(z.object({ kind: z.enum(['a', 'b', 'c']) })),
  'nullable no more': taking(z.object({ to: z.string().nullable() })),
  'integer is number': taking(z.object({ n: z.int() })),
  'text is longer': taking(tree(1)),
  'type another': taking(z.object({ n: z.string() })),
  'field renamed': taking(z.object({ a: z.string() })),
  'strict with more': taking(z.strictObject({ a: z.string() })),
  'shape new': taking(z.discriminatedUnion('kind', [circle])),
  'shape gone': taking(z.discriminatedUnion('kind', [circle, square])),
  'pattern another': taking(z.object({ code: z.string().regex(/^[a-z]+$/) })),
  'job gone': taking(z.object({})),
  'result: field new': returning(z.object({ pages: z.int() })),
  'result: choice new': returning(z.enum(['done', 'partly'])),
  'result: choice gone': returning(z.enum(['done', 'partly', 'none'])),
  'result: type another': returning(z.object({ pages: z.int() })),
});
