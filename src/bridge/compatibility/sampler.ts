import type { Json } from '../contract/canonical.js';
import { Nesting } from './nesting.js';
import type { SchemaDocument } from './schema-document.js';
import { isNever, type ValueSet } from './value-set.js';
import type { ValueType } from './value-type.js';

/** How deep values are nested before only what has to be there is there. */
const MAX_DEPTH = 4;
/** How many values may be in one before the same holds. */
const MAX_SIZE = 500;
/** How deep values are nested at all. A schema that demands more is given up. */
const DEPTH_LIMIT = 32;
/** How far beyond a bound is still tried. */
const REACH = 3;

/** Texts that patterns of everyday contracts match. */
const TEXTS = [
  ...[
    '',
    'a',
    'A',
    '0',
    '1',
    'ab',
    'AB',
    'a b',
    'ä',
    '😀',
    'a.z',
    'a+z',
    'abc',
    'ABC',
    '123',
    'a1',
    'A-1',
    'AB1234',
    'hello world',
  ],
  ...[
    '2026-01-31',
    '12:30:00',
    '2026-01-31T12:30:00Z',
    '2026-01-31T12:30:00.000Z',
    '2026-01',
    'P1D',
    '127.0.0.1',
    '::1',
  ],
  ...[
    'ann@example.org',
    'https://example.org/a',
    'YQ==',
    '550e8400-e29b-41d4-a716-446655440000',
    'deadbeef',
    'x'.repeat(64),
  ],
];
const NUMBERS = [0, 1, -1, 2, 5, 10, 0.5, -0.5, 100, 1e6, 2 ** 53 - 1, -(2 ** 53) + 1, 1e300];
const NAMES = ['a', 'b', 'key', 'x1', 'A', 'ä', 'a/b'];

/** Makes values of a set at random, those at its edges more often than others. Not all of them are sure to be in it. */
export class Sampler {
  readonly #random: () => number;
  readonly #nesting = new WeakMap<SchemaDocument, Nesting>();
  /** How many values are in the one that is being made. */
  #size = 0;

  /** @param random - gives numbers from 0 to 1. */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** A value; undefined when none was found. */
  sample(set: ValueSet): Json | undefined {
    this.#size = 0;
    return this.#sample(set, 0);
  }

  #sample(set: ValueSet, depth: number): Json | undefined {
    this.#size += 1;
    if (set.isEmpty || depth > DEPTH_LIMIT) {
      return undefined;
    }
    const listed = set.listed();
    if (listed !== undefined) {
      return this.#pick(listed);
    }
    const branches = set.branches()?.filter((branch) => !branch.isEmpty);
    if (branches !== undefined) {
      // One that leads back to where it came from would go on for ever where a value has two of them.
      const branch = this.#pick(this.#isRoomy(depth) ? branches : this.#nestingOf(set.document).flattest(branches));
      return branch && this.#sample(branch, depth);
    }
    const types = this.#isRoomy(depth) ? set.types() : flat(set.types());
    const type = this.#pick(types);
    switch (type) {
      case undefined:
        return undefined;
      case 'string':
        return this.#text(set);
      case 'number':
      case 'integer':
        return this.#number(set, type);
      case 'array':
        return this.#array(set.ofType(type), depth);
      case 'object':
        return this.#object(set.ofType(type), depth);
      case 'null':
        return null;
      default:
        return this.#random() < 0.5;
    }
  }

  #text(set: ValueSet): string | undefined {
    const string = set.ofType('string');
    const shortest = set.greatest('minLength') ?? 0;
    const longest = set.smallest('maxLength') ?? shortest + REACH;
    const lengths = [shortest, longest, Math.min(longest, shortest + 1)].filter((length) => length < 10_000);
    const plain = lengths.map((length) => 'abcdefghij'.repeat(Math.ceil(length / 10)).slice(0, length));
    return this.#pick([...plain, ...plain, ...TEXTS].filter((text) => set.document.accepts(string.parts, text)));
  }

  #number(set: ValueSet, type: ValueType): number | undefined {
    const numbers = set.ofType(type);
    const edges = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'].flatMap((keyword) =>
      (set.all(keyword) as number[]).flatMap((edge) => [edge, edge + 1, edge - 1, edge + 0.25, edge - 0.25, edge * 3]),
    );
    return this.#pick([...edges, ...NUMBERS].filter((number) => set.document.accepts(numbers.parts, number)));
  }

  #array(set: ValueSet, depth: number): Json | undefined {
    const shortest = set.greatest('minItems') ?? 0;
    const longest = Math.min(set.smallest('maxItems') ?? Number.POSITIVE_INFINITY, shortest + REACH);
    const wanted = this.#isRoomy(depth) ? shortest + Math.floor(this.#random() * (longest - shortest + 1)) : shortest;
    const elements: Json[] = [];
    for (let index = 0; index < wanted; index += 1) {
      const element = this.#sample(set.element(index), depth + 1);
      if (element === undefined) {
        break;
      }
      elements.push(element);
    }
    return elements.length < shortest ? undefined : elements;
  }

  #object(set: ValueSet, depth: number): Json | undefined {
    const required = set.required();
    const value: Record<string, Json> = {};
    for (const name of new Set([...required, ...set.propertyNames()])) {
      if (!required.has(name) && (!this.#isRoomy(depth) || this.#random() < 0.5)) {
        continue;
      }
      const property = this.#sample(set.property(name), depth + 1);
      if (property !== undefined) {
        value[name] = property;
      } else if (required.has(name)) {
        return undefined;
      }
    }
    if (this.#isRoomy(depth) && set.furtherProperties().length > 0) {
      for (const name of [...NAMES, ...namesOf(set)]) {
        const property = set.property(name);
        const sample =
          value[name] === undefined && this.#random() < 0.3 ? this.#sample(property, depth + 1) : undefined;
        if (sample !== undefined && !property.parts.some(isNever)) {
          value[name] = sample;
        }
      }
    }
    return value;
  }

  /** Whether there may be more than has to be there. */
  #isRoomy(depth: number): boolean {
    return depth < MAX_DEPTH && this.#size < MAX_SIZE;
  }

  #nestingOf(document: SchemaDocument): Nesting {
    const nesting = this.#nesting.get(document) ?? new Nesting();
    this.#nesting.set(document, nesting);
    return nesting;
  }

  #pick<Item>(items: readonly Item[]): Item | undefined {
    return items[Math.floor(this.#random() * items.length)];
  }
}

function flat(types: readonly ValueType[]): readonly ValueType[] {
  const simple = types.filter((type) => type !== 'array' && type !== 'object');
  return simple.length > 0 ? simple : types;
}

/** Names that a schema of names lists. */
function namesOf(set: ValueSet): string[] {
  const listed = set.at(...set.all('propertyNames')).listed();
  return (listed ?? []).filter((name) => typeof name === 'string');
}
