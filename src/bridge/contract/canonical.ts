/** A value that JSON can carry. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A JSON Schema as an object. */
export type JsonSchema = { readonly [key: string]: Json };

/** JSON with sorted keys, so that equal values have equal bytes. Pretty-printed and ended by a newline for files. */
export function stableJson(value: Json): string {
  return `${JSON.stringify(sortKeys(value), null, 2)}\n`;
}

/** JSON with sorted keys and no white space: what fingerprints are made of. */
export function canonicalJson(value: Json): string {
  return JSON.stringify(sortKeys(value));
}

function sortKeys(value: Json): Json {
  if (isArray(value)) {
    return value.map(sortKeys);
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  // Sorted by code unit, never by locale: the order must not depend on the machine.
  const entries = Object.keys(value)
    .sort()
    .map((key) => [key, sortKeys(value[key] as Json)] as const);
  return Object.fromEntries(entries);
}

/** `Array.isArray` does not narrow readonly arrays. */
function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
