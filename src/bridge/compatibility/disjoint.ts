import type { ValueSet } from './value-set.js';
import { isAmong } from './value-type.js';

/** How deep two schemas are looked into before they are taken to overlap. */
const MAX_DEPTH = 6;

/** Whether no value is in both sets. False also when that is not found out. */
export function areDisjoint(a: ValueSet, b: ValueSet, depth = 0): boolean {
  if (depth > MAX_DEPTH) {
    return false;
  }
  if (a.isEmpty || b.isEmpty) {
    return true;
  }
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    const listed = one.listed();
    if (listed !== undefined) {
      return listed.every((value) => !other.document.accepts(other.parts, value));
    }
    const branches = one.branches();
    if (branches !== undefined) {
      return branches.every((branch) => areDisjoint(branch, other, depth + 1));
    }
  }
  const types = a.types().filter((type) => b.types().some((other) => isAmong(type, [other]) || isAmong(other, [type])));
  if (types.length === 0) {
    return true;
  }
  // Looked at closely only where the discriminator of a union is: in objects.
  return types.every((type) => type === 'object') && haveNoObjectInCommon(a, b, depth);
}

function haveNoObjectInCommon(a: ValueSet, b: ValueSet, depth: number): boolean {
  const required = new Set([...a.required(), ...b.required()]);
  return [...required].some((name) => areDisjoint(a.property(name), b.property(name), depth + 1));
}
