import type { Json, JsonSchema } from '../canonical.js';
import type { SchemaPath } from './schema-path.js';

/** Keywords whose value maps names to schemas. */
const NAMED = new Set(['properties', 'patternProperties', 'dependentSchemas', '$defs']);

/** Keywords whose value is a list of schemas. */
const LISTED = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems']);

/** Keywords whose value is one schema. */
const SINGLE = new Set(['items', 'additionalProperties', 'propertyNames', 'not', 'contains', 'if', 'then', 'else']);

/**
 * Rebuilds a schema, changing every schema in it, the innermost first.
 *
 * It follows the keywords that hold schemas and no others, so that a field called `title` or data in `const` is not taken
 * for a keyword.
 */
export function mapSchema(
  schema: JsonSchema,
  change: (part: JsonSchema, path: SchemaPath) => JsonSchema,
  path: SchemaPath = [],
): JsonSchema {
  const descend = (part: Json, ...steps: SchemaPath): Json =>
    isSchemaObject(part) ? mapSchema(part, change, [...path, ...steps]) : part;

  const rebuilt = Object.entries(schema).map(([keyword, value]): [string, Json] => {
    if (NAMED.has(keyword) && isSchemaObject(value)) {
      return [keyword, mapEntries(value, (part, name) => descend(part, keyword, name))];
    }
    if (LISTED.has(keyword) && Array.isArray(value)) {
      return [keyword, value.map((part: Json, index) => descend(part, keyword, index))];
    }
    return [keyword, SINGLE.has(keyword) ? descend(value, keyword) : value];
  });
  return change(Object.fromEntries(rebuilt), path);
}

function mapEntries(value: JsonSchema, change: (part: Json, name: string) => Json): JsonSchema {
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, change(part, name)]));
}

/** Booleans are schemas too, but have no parts. */
function isSchemaObject(value: Json | undefined): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
