import { createHash } from 'node:crypto';
import { canonicalJson, type JsonSchema } from './canonical.js';
import { isMeaningful } from './emission/keywords.js';
import { mapSchema } from './emission/schema-walk.js';

const LENGTH = 10;

/**
 * Identifies a contract of a job: two contracts with the same fingerprint accept the same data and results.
 * What only describes does not count: titles, descriptions, examples, metadata of the author's own, identifiers, and what is
 * checked in TypeScript only.
 *
 * @returns the first ten hex digits of SHA-256, over `{"data":…,"result":…}` as JSON with sorted keys and no white space: few
 *   enough that the options of a plain job stay within 64 bytes, up to which Redis packs the fields of a hash together.
 */
export function fingerprint(data: JsonSchema, result: JsonSchema): string {
  const text = canonicalJson({ data: withoutAnnotations(data), result: withoutAnnotations(result) });
  return createHash('sha256').update(text).digest('hex').slice(0, LENGTH);
}

function withoutAnnotations(schema: JsonSchema): JsonSchema {
  return mapSchema(schema, (part) =>
    Object.fromEntries(Object.entries(part).filter(([keyword]) => isMeaningful(keyword))),
  );
}
