import type { Json, JsonSchema } from '../canonical.js';
import { type Linter, unportable } from './linter.js';
import { portablePattern } from './pattern.js';
import { payloadPath, type SchemaPath } from './schema-path.js';
import { mapSchema } from './schema-walk.js';

/** The formats that JSON Schema defines and zod emits. Others, such as zod's `ends_with`, would only puzzle readers. */
const STANDARD_FORMATS = new Set(['date-time', 'date', 'time', 'duration', 'email', 'ipv4', 'ipv6', 'uri', 'uuid']);

/**
 * Turns an emitted schema into one that means the same in every language, and into stable text: patterns in the portable
 * subset, integers within what JavaScript can hold, `required` in alphabetical order.
 *
 * What cannot be made portable is reported to the linter.
 */
export function portableSchema(schema: JsonSchema, linter: Linter): JsonSchema {
  const pattern = (source: string, path: SchemaPath): string => {
    const known = linter.patternOf(source);
    // Patterns that zod made itself are not run by zod, so they mean what JSON Schema means: characters.
    const unicode = known?.unicode ?? true;
    const fault = unportable(source, unicode);
    if (fault === undefined) {
      return portablePattern(source, unicode);
    }
    if (known === undefined) {
      linter.reportWith(payloadPath(path), 'pattern', fault);
    }
    return source;
  };

  return mapSchema(schema, (part, path) => {
    const changed: Record<string, Json> = { ...part };
    if (typeof part.pattern === 'string') {
      changed.pattern = pattern(part.pattern, path);
    }
    if (part.patternProperties !== undefined) {
      const entries = Object.entries(part.patternProperties as JsonSchema);
      changed.patternProperties = Object.fromEntries(entries.map(([key, value]) => [pattern(key, path), value]));
    }
    if (Array.isArray(part.required)) {
      changed.required = [...(part.required as string[])].sort();
    }
    if (typeof part.format === 'string' && !STANDARD_FORMATS.has(part.format)) {
      delete changed.format;
    }
    // Of the empty tuple: the draft demands at least one.
    if (Array.isArray(part.prefixItems) && part.prefixItems.length === 0) {
      delete changed.prefixItems;
    }
    if (Array.isArray(part.type)) {
      changed.type = [...new Set(part.type as string[])];
    }
    if (part.type === 'integer') {
      if (isBeyond(part.exclusiveMinimum, 1) || isBeyond(part.exclusiveMaximum, -1)) {
        linter.report(payloadPath(path), 'bound');
      }
      boundInteger(changed);
    }
    return changed;
  });
}

/** Beyond 2^53 - 1 JavaScript rounds what Python keeps. */
function boundInteger(schema: Record<string, Json>): void {
  if (!isWithin(schema.exclusiveMinimum)) {
    delete schema.exclusiveMinimum;
    schema.minimum = Math.max(Number(schema.minimum ?? Number.MIN_SAFE_INTEGER), Number.MIN_SAFE_INTEGER);
  }
  if (!isWithin(schema.exclusiveMaximum)) {
    delete schema.exclusiveMaximum;
    schema.maximum = Math.min(Number(schema.maximum ?? Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
  }
}

/** Whether a bound is on the far side of all integers that JavaScript can hold. */
function isBeyond(bound: Json | undefined, side: 1 | -1): boolean {
  return typeof bound === 'number' && bound * side > Number.MAX_SAFE_INTEGER;
}

function isWithin(bound: Json | undefined): boolean {
  return typeof bound === 'number' && Math.abs(bound) <= Number.MAX_SAFE_INTEGER;
}
