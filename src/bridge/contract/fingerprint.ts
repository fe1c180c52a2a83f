import { createHash } from 'node:crypto';
import { canonicalJson, type JsonSchema } from './canonical.js';
import { mapSchema } from './emission/schema-walk.js';

/** Keywords that only people read: changing them changes no verdict. */
const ANNOTATIONS = new Set(['$comment', '$id', 'description', 'secret', 'title']);

/**
 * Identifies a contract of a job: two contracts with the same fingerprint accept the same data and results.
 * Titles, descriptions and identifiers do not count.
 *
 * @returns `sha256:` and 64 hex digits, over `{"data":…,"result":…}` as JSON with sorted keys and no white space.
 */
export function fingerprint(data: JsonSchema, result: JsonSchema): string {
  const text = canonicalJson({ data: withoutAnnotations(data), result: withoutAnnotations(result) });
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

function withoutAnnotations(schema: JsonSchema): JsonSchema {
  return mapSchema(schema, (part) =>
    Object.fromEntries(Object.entries(part).filter(([keyword]) => !ANNOTATIONS.has(keyword))),
  );
}
