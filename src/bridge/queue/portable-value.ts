/** Deepest nesting of arrays and objects that both languages read; the same limit holds in Python. */
export const MAX_DEPTH = 200;

/** What cannot cross, and where it is: property names and indices. */
export interface Fault {
  readonly message: string;
  readonly keys: PropertyKey[];
}

/**
 * What in a value cannot cross to Python and stay what it is, whatever a schema says of it: half of a surrogate pair, a
 * number that JSON does not have, the key `__proto__` (zod drops it without a word), or deeper nesting than
 * {@link MAX_DEPTH}. Only the first such thing is reported.
 *
 * Values that are not JSON at all, such as dates, are left to the schema: a codec may turn them into JSON.
 */
export function portabilityIssue(value: unknown): Fault | undefined {
  const found = find(value, 0);
  found?.keys.reverse();
  return found;
}

/** The way is from the inside out. Goes one level deeper than {@link MAX_DEPTH} at most: the stack is deep enough. */
function find(value: unknown, depth: number): Fault | undefined {
  if (depth > MAX_DEPTH) {
    return { message: `nested more than ${MAX_DEPTH} levels deep`, keys: [] };
  }
  if (typeof value !== 'object' || value === null) {
    const message = fault(value);
    return message === undefined ? undefined : { message, keys: [] };
  }
  if (Array.isArray(value)) {
    // By index: this runs for every payload, and `entries()` makes a pair for each item.
    for (let index = 0; index < value.length; index += 1) {
      const found = find(value[index], depth + 1);
      if (found !== undefined) {
        found.keys.push(index);
        return found;
      }
    }
  } else if (isPlain(value)) {
    for (const key of Object.keys(value)) {
      const message = faultOfKey(key);
      if (message !== undefined) {
        return { message, keys: [] };
      }
      const found = find(value[key], depth + 1);
      if (found !== undefined) {
        found.keys.push(key);
        return found;
      }
    }
  }
  return undefined;
}

function fault(value: unknown): string | undefined {
  if (typeof value === 'string' && !value.isWellFormed()) {
    return 'text with half of a surrogate pair, which UTF-8 cannot carry';
  }
  if (typeof value === 'number' && !Number.isFinite(value)) {
    return `${value} is not JSON`;
  }
  return undefined;
}

function faultOfKey(key: string): string | undefined {
  if (key === '__proto__') {
    return 'the key __proto__ does not mean the same in both languages';
  }
  return key.isWellFormed() ? undefined : 'a key with half of a surrogate pair, which UTF-8 cannot carry';
}

function isPlain(value: object): value is Record<string, unknown> {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
