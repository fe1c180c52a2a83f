import * as z from 'zod';
import { type JobDefinition, job } from '../../../src/bridge/index.js';

/** A job whose data is what the test is about. */
export function taking(data: z.ZodType): JobDefinition<z.ZodType, z.ZodType> {
  return job({ data, result: z.null() });
}

/** A job that returns what its data says, so that its result is what the test is about. */
export function returning(result: z.ZodType): JobDefinition<z.ZodType, z.ZodType> {
  return job({ data: z.object({ returns: z.json() }), result });
}

/** A tree of texts of at least some length. */
export function tree(shortest: number): z.ZodType {
  const node: z.ZodType = z.lazy(() => z.object({ text: z.string().min(shortest), children: z.array(node) }));
  return node;
}

export const circle = z.object({ kind: z.literal('circle'), radius: z.number() });
export const square = z.object({ kind: z.literal('square'), side: z.number() });
