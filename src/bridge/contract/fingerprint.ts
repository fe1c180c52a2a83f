import { createHash } from 'node:crypto';
import { canonicalJson, type Json, type JsonSchema } from './canonical.js';

/** Keywords that only people read: changing them changes no verdict. */
const ANNOTATIONS = new Set(['$comment', '$id', 'description', 'title']);

/** Keywords whose value maps *names* to schemas, where a field called `title` is no annotation. */
const NAME_MAPS = new Set(['properties', 'patternProperties', '$defs', 'dependentSchemas']);

/** Keywords whose value is data, not schema. */
const DATA = new Set(['const', 'enum', 'default', 'examples', 'required']);

/**
 * Identifies a contract of a job: two contracts with the same fingerprint accept the same data and results.
 * Titles, descriptions and identifiers do not count.
 */
export function fingerprint(data: JsonSchema, result: JsonSchema): string {
  const text = canonicalJson({ data: withoutAnnotations(data), result: withoutAnnotations(result) });
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

function withoutAnnotations(schema: Json): Json {
  if (Array.isArray(schema)) {
    return schema.map(withoutAnnotations);
  }
  if (typeof schema !== 'object' || schema === null) {
    return schema;
  }
  const kept = Object.entries(schema).filter(([keyword]) => !ANNOTATIONS.has(keyword));
  return Object.fromEntries(
    kept.map(([keyword, value]) => {
      if (DATA.has(keyword)) {
        return [keyword, value];
      }
      if (NAME_MAPS.has(keyword)) {
        return [keyword, mapValues(value, withoutAnnotations)];
      }
      return [keyword, withoutAnnotations(value)];
    }),
  );
}

function mapValues(value: Json, change: (part: Json) => Json): Json {
  return Object.fromEntries(Object.entries(value as JsonSchema).map(([name, part]) => [name, change(part)]));
}
