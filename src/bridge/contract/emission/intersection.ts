import type { FixedRule } from './remedies.js';
import { type AnySchema, definitionOf, isCodec, isWrapper, lazilyMeant, partsOf } from './zod4-definition.js';

/**
 * Whether zod and JSON Schema can disagree about an intersection.
 *
 * zod lets a key through that any side knows, JSON Schema only one that all sides know: so no side may be closed. And zod
 * merges what both sides made of a value, which fails when they made different things of one key.
 *
 * @returns the rule that it breaks.
 */
export function clashOf(intersection: AnySchema): FixedRule | undefined {
  const sides = sidesOf(intersection);
  if (sides.some((side) => closes(side))) {
    return 'closed-intersection';
  }
  const changed = sides.map((side) => changedKeys(side));
  const clash = sides.some((side, at) =>
    changed.some((keys, other) => other !== at && [...keys].some((key) => knows(side, key))),
  );
  return clash ? 'changing-intersection' : undefined;
}

/** The sides of nested intersections, without what merely wraps them; each option of a union counts as a side. */
function sidesOf(schema: AnySchema, seen = new Set<AnySchema>()): AnySchema[] {
  if (seen.has(schema)) {
    return [];
  }
  seen.add(schema);
  const { type, left, right } = definitionOf(schema);
  if (type === 'intersection') {
    return [...sidesOf(left, seen), ...sidesOf(right, seen)];
  }
  if (type === 'lazy') {
    return sidesOf(lazilyMeant(schema), seen);
  }
  return isWrapper(schema) ? sidesOf(definitionOf(schema).innerType, seen) : [schema];
}

function closes(side: AnySchema): boolean {
  const { type, catchall, keyType, options } = definitionOf(side);
  switch (type) {
    case 'object':
      return catchall !== undefined && definitionOf(catchall).type === 'never';
    case 'record': {
      const key = definitionOf(keyType);
      return key.type !== 'string' || (key.checks ?? []).length > 0 || keyType._zod.traits.has('$ZodCheck');
    }
    case 'union':
      return options.some((option) => sidesOf(option).some(closes));
    default:
      return false;
  }
}

/** Any key at all. */
const ANY_KEY = '*';

/** The keys whose value is not what it was after parsing, {@link ANY_KEY} where that cannot be told. */
function changedKeys(side: AnySchema): Set<string> {
  const { type, shape, catchall, options } = definitionOf(side);
  if (type === 'object') {
    const keys = Object.keys(shape).filter((key) => changes(shape[key] as AnySchema));
    return new Set(catchall !== undefined && changes(catchall) ? [...keys, ANY_KEY] : keys);
  }
  if (type === 'union') {
    return new Set(options.flatMap((option) => sidesOf(option).flatMap((part) => [...changedKeys(part)])));
  }
  return new Set(changes(side) ? [ANY_KEY] : []);
}

function changes(schema: AnySchema, seen = new Set<AnySchema>()): boolean {
  if (seen.has(schema)) {
    return false;
  }
  seen.add(schema);
  const { type } = definitionOf(schema);
  return (
    isCodec(schema) || type === 'default' || type === 'prefault' || partsOf(schema).some((part) => changes(part, seen))
  );
}

/** Whether a side keeps a key's value, and so has a say in what becomes of it. */
function knows(side: AnySchema, key: string): boolean {
  const { type, shape, catchall, options } = definitionOf(side);
  if (type === 'object') {
    return key === ANY_KEY || catchall !== undefined || Object.hasOwn(shape, key);
  }
  return type !== 'union' || options.some((option) => sidesOf(option).some((part) => knows(part, key)));
}
