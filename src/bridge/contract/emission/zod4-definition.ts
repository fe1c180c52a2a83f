import type * as z from 'zod';

/** A schema of zod 4 whatever it describes. */
export type AnySchema = z.core.$ZodType;

/** The parts of zod's definitions that are looked at; which of them are there depends on `type` and `check`. */
export interface Definition extends CheckDefinition {
  readonly type: string;
  readonly coerce?: boolean;
  readonly checks?: readonly z.core.$ZodCheck[];
  readonly shape: Readonly<Record<PropertyKey, AnySchema>>;
  readonly catchall?: AnySchema;
  readonly element: AnySchema;
  readonly items: readonly AnySchema[];
  readonly rest: AnySchema | null;
  readonly keyType: AnySchema;
  readonly valueType: AnySchema;
  readonly mode?: 'strict' | 'loose';
  readonly partial?: boolean;
  readonly options: readonly AnySchema[];
  readonly left: AnySchema;
  readonly right: AnySchema;
  readonly in: AnySchema;
  readonly out: AnySchema;
  readonly innerType: AnySchema;
  readonly defaultValue: unknown;
  readonly values: readonly unknown[];
  readonly entries: Readonly<Record<string, unknown>>;
  readonly parts: readonly unknown[];
}

/** The parts of the definition of a check that are looked at. */
export interface CheckDefinition {
  readonly check: string;
  readonly format: string;
  readonly pattern?: RegExp;
  readonly position?: number;
  readonly value?: unknown;
  readonly minimum?: unknown;
  readonly maximum?: unknown;
  readonly length?: unknown;
}

/** The definition of a schema. */
export function definitionOf(schema: AnySchema): Definition {
  return schema._zod.def as unknown as Definition;
}

/** The checks of a schema. A format such as `z.email()` is its own first one. */
export function checksOf(schema: AnySchema): CheckDefinition[] {
  const definition = definitionOf(schema);
  const own = schema._zod.traits.has('$ZodCheck') && definition.type !== 'custom' ? [definition] : [];
  return [...own, ...(definition.checks ?? []).map((check) => check._zod.def as unknown as CheckDefinition)];
}

/** Types that stand for what they wrap, with or without absence. */
const WRAPPERS = new Set(['optional', 'nullable', 'nonoptional', 'default', 'prefault', 'readonly']);

/** Whether a schema only wraps another. */
export function isWrapper(schema: AnySchema): boolean {
  return WRAPPERS.has(definitionOf(schema).type);
}

/** Whether a schema is a codec. */
export function isCodec(schema: AnySchema): boolean {
  return schema._zod.traits.has('$ZodCodec');
}

/** The schemas that a schema is made of, as they lie on the wire: of a codec its wire side only. */
export function partsOf(schema: AnySchema): AnySchema[] {
  const definition = definitionOf(schema);
  switch (definition.type) {
    case 'object':
      return [...Object.values(definition.shape), ...(definition.catchall === undefined ? [] : [definition.catchall])];
    case 'array':
      return [definition.element];
    case 'tuple':
      return [...definition.items, ...(definition.rest === null ? [] : [definition.rest])];
    case 'record':
      return [definition.keyType, definition.valueType];
    case 'union':
      return [...definition.options];
    case 'intersection':
      return [definition.left, definition.right];
    case 'pipe':
      return [definition.in];
    case 'lazy':
      return [lazilyMeant(schema)];
    default:
      return isWrapper(schema) ? [definition.innerType] : [];
  }
}

/** These schemas and all that they are made of: of a codec both sides. */
export function withParts(schemas: readonly AnySchema[]): AnySchema[] {
  const found = new Set(schemas);
  for (const schema of found) {
    for (const part of decodedPartsOf(schema)) {
      found.add(part);
    }
  }
  return [...found];
}

/** The parts of a schema of values that need not be JSON. */
function decodedPartsOf(schema: AnySchema): AnySchema[] {
  const definition = definitionOf(schema);
  switch (definition.type) {
    case 'pipe':
      return [definition.in, definition.out];
    case 'map':
      return [definition.keyType, definition.valueType];
    case 'set':
      return [definition.valueType];
    case 'catch':
    case 'promise':
      return [definition.innerType];
    case 'template_literal':
      return definition.parts.filter(isSchema);
    default:
      return partsOf(schema);
  }
}

/** Whether a part of a definition is a schema, and not a literal. */
export function isSchema(part: unknown): part is AnySchema {
  return typeof part === 'object' && part !== null && '_zod' in part;
}

/** What a lazy schema stands for; zod keeps it, where its getter might make another one each time. */
export function lazilyMeant(schema: AnySchema): AnySchema {
  return (schema._zod as unknown as { readonly innerType: AnySchema }).innerType;
}

/** Whether a schema has a codec anywhere. */
export function holdsCodec(schema: AnySchema, seen = new Set<AnySchema>()): boolean {
  if (seen.has(schema)) {
    return false;
  }
  seen.add(schema);
  return isCodec(schema) || partsOf(schema).some((part) => holdsCodec(part, seen));
}
