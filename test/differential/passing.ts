import * as fc from 'fast-check';
import type { Json, JsonSchema } from '../../src/bridge/contract/canonical.js';
import type { Draft } from './json-text.js';

/** Past this depth a recursive schema is not followed where it need not be. */
const DEPTH = 4;

const NAMES = ['a', 'b', 'extra', 'constructor', 'toString', '', 'a/b', 'm~n', 'ü', '😀', '1', 'x-y'];
const ANYTHING: readonly Json[] = [null, true, 0, -1.5, 1e21, '', 'text', '😀', [], [1, [null]], {}, { a: { b: 'c' } }];

const matching = new Map<string, fc.Arbitrary<string>>();

/** Makes values that a schema is meant to accept. */
export class Passing {
  readonly #root: JsonSchema;
  readonly #draw: fc.GeneratorValue;

  constructor(root: JsonSchema, draw: fc.GeneratorValue) {
    this.#root = root;
    this.#draw = draw;
  }

  /** One such value. */
  make(schema: Json = this.#root, depth = 0): Draft {
    if (typeof schema !== 'object' || schema === null) return this.#pick(ANYTHING) as Draft;
    const part = this.#settle(schema as JsonSchema, depth);
    if (part.const !== undefined) return part.const as Draft;
    if (part.enum !== undefined) return this.#pick(part.enum as readonly Draft[]);
    switch (Array.isArray(part.type) ? this.#pick(part.type as readonly string[]) : part.type) {
      case 'string':
        return this.#string(part);
      case 'integer':
        return this.#integer(part);
      case 'number':
        return this.#number(part);
      case 'boolean':
        return this.#draw(fc.boolean);
      case 'null':
        return null;
      case 'array':
        return this.#array(part, depth);
      case 'object':
        return this.#object(part, depth);
      default:
        return this.#pick(ANYTHING) as Draft;
    }
  }

  /** References followed, one alternative chosen, and what has to hold together put together. */
  #settle(schema: JsonSchema, depth: number): JsonSchema {
    const { $ref, anyOf, oneOf, allOf, ...rest } = schema;
    let settled: JsonSchema = rest;
    if (typeof $ref === 'string') settled = merge(settled, this.#settle(this.#resolve($ref), depth));
    for (const options of [anyOf, oneOf] as (readonly JsonSchema[] | undefined)[]) {
      if (options === undefined) continue;
      const shallow = options.filter((option) => !JSON.stringify(option).includes('$ref'));
      settled = merge(
        settled,
        this.#settle(this.#pick(depth > DEPTH && shallow.length > 0 ? shallow : options), depth),
      );
    }
    for (const part of (allOf ?? []) as readonly JsonSchema[]) settled = merge(settled, this.#settle(part, depth));
    return settled;
  }

  #resolve(reference: string): JsonSchema {
    const steps = reference
      .split('/')
      .slice(1)
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
    return steps.reduce<Json>((part, step) => (part as JsonSchema)[step] as Json, this.#root) as JsonSchema;
  }

  #string({ pattern, patterns = pattern === undefined ? [] : [pattern], minLength, maxLength }: JsonSchema): string {
    const sources = [...(patterns as readonly string[])].sort((a, b) => place(a) - place(b));
    if (sources.length > 0) return sources.map((source) => this.#matching(source)).join('');
    const least = Number(minLength ?? 0);
    const most = Number(maxLength ?? least + 6);
    const unit = this.#pick(['grapheme-ascii', 'binary'] as const);
    return this.#draw(fc.string, { unit, minLength: least, maxLength: most, size: 'max' });
  }

  #matching(source: string): string {
    let arbitrary = matching.get(source);
    if (arbitrary === undefined) {
      // Look-aheads only narrow what the rest of the pattern allows; fast-check does not know them.
      arbitrary = fc.stringMatching(new RegExp(source.replace(/\(\?[=!](?:[^()[\]\\]|\\.|\[[^\]]*\])*\)/g, ''), 'u'));
      matching.set(source, arbitrary);
    }
    return this.#draw(() => arbitrary);
  }

  #integer(schema: JsonSchema): number {
    const step = Number(schema.multipleOf ?? 1);
    const least = bound(schema, 'minimum', 'exclusiveMinimum', 1, -1e6);
    const most = bound(schema, 'maximum', 'exclusiveMaximum', -1, 1e6);
    const wide = this.#draw(fc.boolean);
    const near = { min: Math.max(least, -1e3), max: Math.max(Math.min(most, 1e3), Math.max(least, -1e3)) };
    const whole = this.#draw(fc.integer, wide ? { min: Math.ceil(least), max: Math.floor(most) } : near);
    return (whole - (whole % step)) | 0 || whole - (whole % step);
  }

  #number(schema: JsonSchema): number {
    if (schema.multipleOf !== undefined || this.#draw(fc.nat, { max: 2 }) === 0) {
      const least = Number(schema.minimum ?? schema.exclusiveMinimum ?? -100);
      const most = Number(schema.maximum ?? schema.exclusiveMaximum ?? 100);
      const bounds = { min: Math.ceil(Math.max(least, -1e6)), max: Math.floor(Math.min(most, 1e6)) };
      const whole = this.#draw(fc.integer, bounds);
      return whole - (whole % Number(schema.multipleOf ?? 1));
    }
    return this.#draw(fc.double, {
      noNaN: true,
      noDefaultInfinity: true,
      min: Number(schema.minimum ?? schema.exclusiveMinimum ?? -Number.MAX_VALUE),
      max: Number(schema.maximum ?? schema.exclusiveMaximum ?? Number.MAX_VALUE),
      minExcluded: schema.exclusiveMinimum !== undefined,
      maxExcluded: schema.exclusiveMaximum !== undefined,
    });
  }

  #array({ prefixItems = [], items, minItems, maxItems }: JsonSchema, depth: number): Draft[] {
    const fixed = prefixItems as readonly Json[];
    const least = Number(minItems ?? 0);
    const most = Number(maxItems ?? (items === false ? fixed.length : depth > DEPTH ? least : least + 3));
    const length = this.#draw(fc.integer, { min: least, max: most });
    return Array.from({ length }, (_, index) => this.make(fixed[index] ?? items ?? true, depth + 1));
  }

  #object(schema: JsonSchema, depth: number): { [name: string]: Draft } {
    const made: { [name: string]: Draft } = {};
    const required = new Set((schema.required ?? []) as readonly string[]);
    for (const [name, part] of Object.entries((schema.properties ?? {}) as JsonSchema)) {
      const absent = !required.has(name) && (isNever(part) || this.#draw(fc.nat, { max: 9 }) < 4);
      if (!absent) made[name] = this.make(part, depth + 1);
    }
    for (const name of required) if (!Object.hasOwn(made, name)) made[name] = this.#rest(schema, name, depth);
    if (schema.additionalProperties !== false && depth <= DEPTH) {
      for (let left = this.#draw(fc.nat, { max: 3 }); left > 0; left -= 1) {
        const name = this.#name(schema);
        if (!Object.hasOwn(made, name)) made[name] = this.#rest(schema, name, depth);
      }
    }
    return made;
  }

  #name({ propertyNames, patternProperties }: JsonSchema): string {
    if (propertyNames !== undefined && Object.keys(propertyNames as JsonSchema).length > 1) {
      return String(this.make(propertyNames));
    }
    const patterns = Object.keys((patternProperties ?? {}) as JsonSchema);
    return patterns.length > 0 && this.#draw(fc.boolean) ? this.#matching(this.#pick(patterns)) : this.#pick(NAMES);
  }

  #rest({ additionalProperties, patternProperties }: JsonSchema, name: string, depth: number): Draft {
    const byPattern = Object.entries((patternProperties ?? {}) as JsonSchema).find(([pattern]) =>
      new RegExp(pattern, 'u').test(name),
    );
    return this.make(byPattern?.[1] ?? additionalProperties ?? true, depth + 1);
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[this.#draw(fc.nat, { max: items.length - 1 })] as Item;
  }
}

function bound(schema: JsonSchema, inclusive: string, exclusive: string, inner: number, otherwise: number): number {
  if (schema[inclusive] !== undefined) return Number(schema[inclusive]);
  return schema[exclusive] === undefined ? otherwise : Number(schema[exclusive]) + inner;
}

/** What is anchored at the start stands first, what is anchored at the end stands last. */
function place(pattern: string): number {
  return pattern.startsWith('^') ? 0 : pattern.includes('$(?!') ? 2 : 1;
}

function isNever(schema: Json): boolean {
  return typeof schema === 'object' && schema !== null && 'not' in schema;
}

function merge(one: JsonSchema, other: JsonSchema): JsonSchema {
  const patterns = [one, other].flatMap((part) => part.patterns ?? (part.pattern === undefined ? [] : [part.pattern]));
  const both = (keyword: string) => one[keyword] !== undefined && other[keyword] !== undefined;
  return {
    ...one,
    ...other,
    ...(patterns.length > 0 && { patterns }),
    ...(both('properties') && { properties: { ...(one.properties as object), ...(other.properties as object) } }),
    ...(both('required') && { required: [...(one.required as string[]), ...(other.required as string[])] }),
  };
}
