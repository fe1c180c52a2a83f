import { createHash } from 'node:crypto';
import { canonicalJson, type JsonSchema } from './canonical.js';
import { isMeaningful } from './emission/keywords.js';
import { mapSchema } from './emission/schema-walk.js';

/**
 * Identifies a contract of a job: two contracts with the same fingerprint accept the same data and results.
 * What only describes does not count: titles, descriptions, examples, metadata of the author's own, identifiers, and what is
 * checked in TypeScript only.
 *
 * @returns `sha256:` and 64 hex digits, over `{"data":…,"result":…}` as JSON with sorted keys and no white space.
 */
export function fingerprint(data: JsonSchema, result: JsonSchema): string {
  const text = canonicalJson({ data: withoutAnnotations(data), result: withoutAnnotations(result) });
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

function withoutAnnotations(schema: JsonSchema): JsonSchema {
  return mapSchema(schema, (part) =>
    Object.fromEntries(Object.entries(part).filter(([keyword]) => isMeaningful(keyword))),
  );
}
