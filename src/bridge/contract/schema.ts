import type * as z from 'zod';
import type { ZodTypeAny as Zod3Schema } from 'zod/v3';

/** A zod schema: zod 4 (or its mini flavour), or one still written with `zod/v3`. */
export type Schema = z.core.$ZodType | Zod3Schema;

/** What a caller may hand to a schema: defaulted fields may be left out, codecs take their wire form. */
export type InputOf<S extends Schema> = S extends { _zod: { input: infer Input } }
  ? Input
  : S extends { _input: infer Input }
    ? Input
    : never;

/** What a schema gives back: defaults filled in, codecs decoded. */
export type OutputOf<S extends Schema> = S extends { _zod: { output: infer Output } }
  ? Output
  : S extends { _output: infer Output }
    ? Output
    : never;

/** Whether a schema was written with zod 4. */
export function isZod4(schema: Schema): schema is z.core.$ZodType {
  return '_zod' in schema;
}

/** Whether a value is a zod schema of either version. */
export function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && ('_zod' in value || 'safeParse' in value);
}
