import { ContractDefinitionError } from './error.js';
import { isZod4, type Schema } from './schema.js';

/** Registered, so that a mark is seen whichever copy of this module made it. */
const MARK = Symbol.for('bullmq-bridge.checked-in-typescript-only');

/**
 * Admits a check that Python cannot run: it holds where a job is added and where its result is read in TypeScript, and
 * Python lets through what breaks it. The emitted schema records it, and `emit` prints it.
 *
 * It excuses `.refine()`, `.superRefine()` and `.check()`, formats and patterns that only JavaScript has, fractional
 * `.multipleOf()`, and codecs that refuse what their wire schema accepts. What *changes* values, such as a transform, stays
 * refused. Wrap the schema last: a check that is added afterwards is not excused.
 *
 * @param check - what only TypeScript checks, for people to read.
 * @returns the same schema, marked.
 * @example
 * ```ts
 * iban: checkedInTypeScriptOnly(z.string().refine(hasValidChecksum), 'the checksum of the IBAN'),
 * ```
 * @throws {@link ContractDefinitionError} when it is not said what is checked.
 */
export function checkedInTypeScriptOnly<S extends Schema>(schema: S, check: string): S {
  if (typeof check !== 'string' || check.trim() === '') {
    throw new ContractDefinitionError(
      "checkedInTypeScriptOnly needs to be told what is checked: checkedInTypeScriptOnly(schema, 'the checksum').",
    );
  }
  // Not enumerable: what zod 3 derives from a definition copies it by spreading, and is not marked itself.
  Object.defineProperty(isZod4(schema) ? schema : schema._def, MARK, { value: check, configurable: true });
  return schema;
}

/** What a schema (of zod 4) or a definition (of zod 3) is said to check in TypeScript only. */
export function typeScriptOnlyCheck(marked: object): string | undefined {
  return Object.hasOwn(marked, MARK) ? (marked as { readonly [MARK]: string })[MARK] : undefined;
}
