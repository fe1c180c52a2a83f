import { describe, expect, it } from 'vitest';
import type { JsonSchema } from '../contract/canonical.js';
import { objections } from './inclusion.js';
import { SchemaDocument } from './schema-document.js';
import { ValueSet } from './value-set.js';

/** Where the reader objects, with the facet. */
function objected(writer: JsonSchema, reader: JsonSchema): string[] {
  const found = objections(
    ValueSet.of(new SchemaDocument(writer), true),
    ValueSet.of(new SchemaDocument(reader), false),
  );
  return found.map(({ facet, pointer }) => `${facet} ${pointer}`);
}

const object = (properties: JsonSchema, ...required: string[]): JsonSchema => ({
  type: 'object',
  properties,
  required,
});
const text = { type: 'string' };
const integer = { type: 'integer' };

describe('objections', () => {
  it('follows references, and comes to an end', () => {
    const list = (id: JsonSchema) => ({
      ...object({ id, next: { $ref: '#' }, other: { $ref: '#/$defs/other' } }, 'id'),
      $defs: { other: object({ back: { $ref: '#' } }) },
    });
    expect(objected(list(integer), list(integer))).toEqual([]);
    expect(objected(list(integer), list(text))).toEqual(['type /properties/id']);
  });

  it('takes nothing for granted that rests on a branch that did not hold', () => {
    const writer = {
      ...object({ x: object({ back: { $ref: '#' } }), v: text }, 'x', 'v'),
    };
    // The second branch has the same `x` as the first, which wants a longer `v` inside of it too.
    const reader = {
      anyOf: [{ $ref: '#/$defs/first' }, object({ x: { $ref: '#/$defs/x' } })],
      $defs: {
        first: object({ x: { $ref: '#/$defs/x' }, v: { type: 'string', minLength: 5 } }),
        x: object({ back: { $ref: '#/$defs/first' } }),
      },
    };
    expect(objected(writer, reader)).not.toEqual([]);
  });

  it('lets a writer drop what it does not name only where one schema describes the object', () => {
    const both = (a: JsonSchema) => ({ allOf: [object({ a }, 'a'), object({ b: text }, 'b')] });
    expect(objected(both(text), both(text))).toEqual([]);
    expect(objected(both(text), both(integer))).toEqual(['type /properties/a']);
    // What the one drops, the other may keep.
    expect(objected(both(text), object({ c: text }))).toEqual(['type /properties/c']);
  });

  it.each<[string, JsonSchema, JsonSchema, string[]]>([
    ['a demand among several', { allOf: [text, { minLength: 3 }] }, { ...text, minLength: 2 }, []],
    ['several demands', { ...text, minLength: 3 }, { allOf: [{ minLength: 2 }, { maxLength: 9 }] }, ['bounds ']],
    ['what is not', { type: ['string', 'integer'] }, { not: text }, ['keyword ']],
    ['what is not, and never was', integer, { not: text }, []],
    ['the same exclusion', { ...text, not: { const: 'a' } }, { ...text, not: { const: 'a' } }, []],
    [
      'elements beyond a tuple',
      { type: 'array', prefixItems: [integer], items: text },
      { type: 'array', prefixItems: [integer], items: integer },
      ['type /items'],
    ],
    [
      'elements that cannot come',
      { type: 'array', items: text, maxItems: 1 },
      { type: 'array', prefixItems: [text], items: integer },
      [],
    ],
    [
      'a pattern that further properties may match',
      { type: 'object', additionalProperties: text },
      { type: 'object', patternProperties: { '^a': integer } },
      ['type /patternProperties/^a'],
    ],
    [
      'a pattern that a named property matches',
      object({ ab: text }),
      { type: 'object', patternProperties: { '^a': integer } },
      ['type /properties/ab'],
    ],
    ['a schema that nothing satisfies', { type: 'string', allOf: [integer] }, integer, []],
    ['true and false', object({ a: true, b: false }), object({ a: true, b: integer }), []],
    [
      'a name that objects have of themselves',
      object({ constructor: text }),
      object({ constructor: integer }),
      ['type /properties/constructor'],
    ],
  ])('judges %s', (_, writer, reader, expected) => {
    expect(objected(writer, reader)).toEqual(expected);
  });
});
