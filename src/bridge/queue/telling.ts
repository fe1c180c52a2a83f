import { SECRET, type Secrets } from '../contract/secrets.js';
import type { Violation } from './contract-error.js';
import { formatPath, type Issue, valueAt } from './reading.js';

/**
 * What may be told of an issue: where it is, which rule is broken, and what kind of value is there, never the value.
 * Of a secret field, and of all that is inside of it, only that it is secret.
 */
export function tellIssue(
  { keys, path, rule, message }: Issue,
  payload: unknown,
  secrets: Secrets,
): Pick<Violation, 'path' | 'pointer' | 'rule' | 'message' | 'value'> {
  const depth = secrets.depth(keys);
  if (depth === undefined) {
    return {
      path,
      pointer: pointerTo(keys),
      rule,
      message,
      value: rule === 'size' ? '' : kindOf(valueAt(payload, keys)),
    };
  }
  const known = keys.slice(0, depth);
  return { path: formatPath(known), pointer: pointerTo(known), rule, message: `breaks '${rule}'`, value: SECRET };
}

/** A path as JSON pointer. */
function pointerTo(keys: readonly PropertyKey[]): string {
  return keys.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** What kind of value it is, and how large; in the words of the Python side. */
function kindOf(value: unknown): string {
  if (value === null) {
    return 'null';
  }
  if (typeof value === 'string') {
    return `text of ${[...value].length} characters`;
  }
  if (Array.isArray(value)) {
    return `list of ${value.length} items`;
  }
  if (typeof value === 'object') {
    const isPlain = [Object.prototype, null].includes(Object.getPrototypeOf(value));
    return isPlain ? `object of ${Object.keys(value).length} fields` : (value.constructor?.name ?? 'object');
  }
  return value === undefined ? 'nothing' : typeof value;
}
