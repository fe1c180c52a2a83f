import type { JsonSchema7Type } from 'zod-to-json-schema';
import type { SomeCheck, SomeDef } from './zod3-definition.js';

/** What zod-to-json-schema 3.25 made of a definition, put right where it is not what zod 3 checks. */
export function corrected(emitted: JsonSchema7Type, def: SomeDef): JsonSchema7Type {
  switch (def.typeName) {
    case 'ZodLiteral':
      // Null is taken for an object.
      return def.value === null ? { type: 'null' } : emitted;
    case 'ZodNumber':
      return Object.assign(emitted, boundsOf(def.checks ?? []));
    case 'ZodObject': {
      // What strips other keys is written as open, like what passes them through.
      const { additionalProperties, ...rest } = emitted as { readonly additionalProperties?: unknown };
      return def.unknownKeys === 'strip' && additionalProperties === true ? (rest as JsonSchema7Type) : emitted;
    }
    default:
      return emitted;
  }
}

/** The narrowest bounds of a number: of several on one side, the last is written. */
function boundsOf(checks: readonly SomeCheck[]): Record<string, number> {
  const bounds: Record<string, number> = {};
  for (const { kind, inclusive, value } of checks) {
    if (kind === 'min') {
      const keyword = inclusive ? 'minimum' : 'exclusiveMinimum';
      bounds[keyword] = Math.max(bounds[keyword] ?? Number.NEGATIVE_INFINITY, Number(value));
    } else if (kind === 'max') {
      const keyword = inclusive ? 'maximum' : 'exclusiveMaximum';
      bounds[keyword] = Math.min(bounds[keyword] ?? Number.POSITIVE_INFINITY, Number(value));
    }
  }
  return bounds;
}
