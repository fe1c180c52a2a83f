import type { Json, JsonSchema } from '../contract/canonical.js';

/** A kind of JSON value. Every `integer` is a `number` too. */
export type ValueType = 'string' | 'number' | 'integer' | 'boolean' | 'null' | 'array' | 'object';

/** The types that no other type is part of. */
export const EVERY_TYPE: readonly ValueType[] = ['string', 'number', 'boolean', 'null', 'array', 'object'];

/** The type of a value. */
export function typeOf(value: Json): ValueType {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value as 'string' | 'boolean' | 'object';
}

/** The types that a schema's own `type` allows. */
export function typesOf(part: JsonSchema): readonly ValueType[] {
  if (part.type === undefined) {
    return EVERY_TYPE;
  }
  const types = (Array.isArray(part.type) ? part.type : [part.type]) as readonly ValueType[];
  return types.includes('number') ? types.filter((type) => type !== 'integer') : types;
}

/** Whether every value of a type is of one of the types. */
export function isAmong(type: ValueType, types: readonly ValueType[]): boolean {
  return types.includes(type) || (type === 'integer' && types.includes('number'));
}
