import type { Issue } from './reading.js';

/** Deepest nesting of arrays and objects that both languages read; the same limit holds in Python. */
export const MAX_DEPTH = 200;

/** A value that is still to be looked at, and the way to it. */
interface Visit {
  readonly value: unknown;
  readonly path: readonly PropertyKey[];
}

/**
 * What in a value cannot cross to Python and stay what it is, whatever a schema says of it: half of a surrogate pair, a
 * number that JSON does not have, the key `__proto__` (zod drops it without a word), or deeper nesting than
 * {@link MAX_DEPTH}. Only the first such thing is reported.
 *
 * Values that are not JSON at all, such as dates, are left to the schema: a codec may turn them into JSON.
 */
export function portabilityIssue(value: unknown, format: (path: readonly PropertyKey[]) => string): Issue | undefined {
  const visits: Visit[] = [{ value, path: [] }];
  for (let visit = visits.pop(); visit !== undefined; visit = visits.pop()) {
    const message = fault(visit.value, visit.path.length);
    if (message !== undefined) {
      return { path: format(visit.path.slice(0, MAX_DEPTH)), message };
    }
    if (Array.isArray(visit.value)) {
      for (let index = visit.value.length - 1; index >= 0; index -= 1) {
        visits.push({ value: visit.value[index], path: [...visit.path, index] });
      }
    } else if (isPlainObject(visit.value)) {
      for (const key of Object.keys(visit.value)) {
        const keyFault = faultOfKey(key);
        if (keyFault !== undefined) {
          return { path: format(visit.path), message: keyFault };
        }
        visits.push({ value: visit.value[key], path: [...visit.path, key] });
      }
    }
  }
  return undefined;
}

function fault(value: unknown, depth: number): string | undefined {
  if (typeof value === 'string' && !isWellFormed(value)) {
    return 'text with half of a surrogate pair, which UTF-8 cannot carry';
  }
  if (typeof value === 'number' && !Number.isFinite(value)) {
    return `${value} is not JSON`;
  }
  return depth > MAX_DEPTH ? `nested more than ${MAX_DEPTH} levels deep` : undefined;
}

function faultOfKey(key: string): string | undefined {
  if (key === '__proto__') {
    return 'the key __proto__ does not mean the same in both languages';
  }
  return isWellFormed(key) ? undefined : 'a key with half of a surrogate pair, which UTF-8 cannot carry';
}

/** Every high surrogate is followed by a low one, and every low one follows a high one. */
function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) {
    return false;
  }
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
