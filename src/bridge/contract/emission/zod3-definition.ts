import type { ZodTypeAny, ZodTypeDef } from 'zod/v3';

/** The parts of zod 3's definitions that are looked at. */
export interface SomeDef extends ZodTypeDef {
  readonly typeName?: string;
  readonly coerce?: boolean;
  readonly effect?: { readonly type: 'refinement' | 'transform' | 'preprocess' };
  readonly checks?: readonly SomeCheck[];
  readonly innerType?: ZodTypeAny;
  /** Of effects. */
  readonly schema?: ZodTypeAny;
  /** Of what is lazy. */
  readonly getter?: () => ZodTypeAny;
  /** Of a branded schema, and of a list. */
  readonly type?: ZodTypeAny;
  readonly defaultValue?: () => unknown;
  readonly value?: unknown;
  readonly left?: ZodTypeAny;
  readonly right?: ZodTypeAny;
  readonly unknownKeys?: string;
  readonly shape?: () => Readonly<Record<string, ZodTypeAny>>;
  readonly keyType?: ZodTypeAny;
  readonly discriminator?: string;
  readonly optionsMap?: ReadonlyMap<unknown, ZodTypeAny>;
  readonly options?: readonly ZodTypeAny[];
}

/** The parts of zod 3's checks that are looked at. */
export interface SomeCheck {
  readonly kind: string;
  readonly regex?: RegExp;
  readonly value?: unknown;
  readonly inclusive?: boolean;
  readonly position?: number;
}

/** Whether a schema is a strict object, or merely wraps one: zod-to-json-schema opens it inside an intersection. */
export function isStrict(schema: ZodTypeAny, seen = new Set<ZodTypeAny>()): boolean {
  if (seen.has(schema)) {
    return false;
  }
  seen.add(schema);
  const def = schema._def as SomeDef;
  const wrapped =
    def.innerType ?? def.schema ?? def.getter?.() ?? (def.typeName === 'ZodBranded' ? def.type : undefined);
  return def.unknownKeys === 'strict' || (wrapped !== undefined && isStrict(wrapped, seen));
}

/** Whether an option of a discriminated union lets its discriminator be left out, and zod does not choose it then. */
export function isMissedIn(option: ZodTypeAny, { discriminator = '', optionsMap }: SomeDef): boolean {
  const field = (option._def as SomeDef).shape?.()[discriminator];
  return optionsMap !== undefined && optionsMap.get(undefined) !== option && field?.isOptional() === true;
}
