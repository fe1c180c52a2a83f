/** The longest data and results, in bytes of JSON; the same limits hold in Python. `docs/gates.md` lists them all. */
export const MAX_DATA_BYTES = 16 * 2 ** 20;
export const MAX_RESULT_BYTES = 16 * 2 ** 20;

/** Longest escape of one UTF-16 unit: `\u0000`. */
const UNIT_BYTES = 6;
/** More than any number, boolean or null needs, with its comma. */
const LEAF_BYTES = 26;

/**
 * The bytes of a value as JSON, when they are more than the limit; undefined otherwise.
 *
 * Adds up what the parts need at most, and writes JSON only of a value that is large by that count.
 */
export function bytesBeyond(limit: number, value: unknown): number | undefined {
  if (atMost(value) <= limit) {
    return undefined;
  }
  const bytes = Buffer.byteLength(JSON.stringify(value) ?? '');
  return bytes > limit ? bytes : undefined;
}

function atMost(value: unknown): number {
  if (typeof value === 'string') {
    return value.length * UNIT_BYTES + 3;
  }
  if (typeof value !== 'object' || value === null) {
    return LEAF_BYTES;
  }
  let bytes = 3;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      bytes += atMost(value[index]);
    }
    return bytes;
  }
  for (const key of Object.keys(value)) {
    bytes += key.length * UNIT_BYTES + 4 + atMost((value as Record<string, unknown>)[key]);
  }
  return bytes;
}
