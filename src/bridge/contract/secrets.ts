import type { Json, JsonSchema } from './canonical.js';

/** Stands for a value that the contract marks `.meta({ secret: true })`, and for all that is inside of it. */
export const SECRET = 'secret';

/** Knows which parts of a payload a schema marks as secret. */
export class Secrets {
  readonly #schema: JsonSchema;
  readonly #has: boolean;

  constructor(schema: JsonSchema) {
    this.#schema = schema;
    this.#has = marksSecrets(schema);
  }

  /** How many steps of a path lead to the first field that is secret, under any alternative; undefined when none is. */
  depth(path: readonly PropertyKey[]): number | undefined {
    if (!this.#has) {
      return undefined;
    }
    let here = this.#samePlace(this.#schema);
    for (let depth = 0; ; depth += 1) {
      if (here.some((part) => this.#isSecret(part))) {
        return depth;
      }
      const step = path[depth];
      if (step === undefined) {
        return undefined;
      }
      here = here.flatMap((part) => inside(part, String(step))).flatMap((part) => this.#samePlace(part));
    }
  }

  /** The value with `[secret]` in place of whatever is marked; the value itself when nothing is. */
  redact(value: unknown): unknown {
    return this.#has ? this.#redactAt(value, []) : value;
  }

  #redactAt(value: unknown, path: readonly PropertyKey[]): unknown {
    if (this.depth(path) !== undefined) {
      return `[${SECRET}]`;
    }
    if (Array.isArray(value)) {
      return value.map((item, index) => this.#redactAt(item, [...path, index]));
    }
    if (typeof value === 'object' && value !== null && !(value instanceof Date)) {
      return Object.fromEntries(
        Object.entries(value).map(([key, part]) => [key, this.#redactAt(part, [...path, key])]),
      );
    }
    return value;
  }

  /** A record whose keys are secret is so as a whole: the path of whatever is in it tells a key. */
  #isSecret({ secret, propertyNames }: JsonSchema): boolean {
    return secret === true || this.#samePlace(propertyNames).some((keys) => keys.secret === true);
  }

  /** A schema, and those that speak of the same value. */
  #samePlace(schema: Json | undefined, seen: readonly string[] = []): JsonSchema[] {
    if (!isSchema(schema)) {
      return [];
    }
    const { $ref } = schema;
    const alternatives = [schema.allOf, schema.anyOf, schema.oneOf].flatMap(
      (parts) => (parts ?? []) as readonly Json[],
    );
    return [
      schema,
      ...(typeof $ref === 'string' && !seen.includes($ref)
        ? this.#samePlace(this.#resolve($ref), [...seen, $ref])
        : []),
      ...alternatives.flatMap((part) => this.#samePlace(part, seen)),
    ];
  }

  #resolve(reference: string): Json | undefined {
    return reference
      .split('/')
      .slice(1)
      .reduce<Json | undefined>((part, step) => {
        const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
        return (part as { readonly [name: string]: Json } | undefined)?.[name];
      }, this.#schema);
  }
}

/** The schemas of a part of what the schema describes. */
function inside(schema: JsonSchema, step: string): (Json | undefined)[] {
  const named = (keyword: string) => Object.entries((schema[keyword] ?? {}) as JsonSchema);
  const isIndex = /^\d+$/.test(step);
  const fixed = isIndex ? ((schema.prefixItems ?? []) as readonly Json[])[Number(step)] : undefined;
  return [
    ...named('properties').flatMap(([name, part]) => (name === step ? [part] : [])),
    ...named('patternProperties').flatMap(([pattern, part]) => (new RegExp(pattern, 'u').test(step) ? [part] : [])),
    schema.additionalProperties,
    fixed ?? (isIndex ? schema.items : undefined),
  ];
}

function isSchema(part: Json | undefined): part is JsonSchema {
  return typeof part === 'object' && part !== null && !Array.isArray(part);
}

function marksSecrets(part: Json | undefined): boolean {
  if (Array.isArray(part)) {
    return part.some(marksSecrets);
  }
  return isSchema(part) && (part.secret === true || Object.values(part).some(marksSecrets));
}
