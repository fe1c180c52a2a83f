import { canonicalJson, type Json, type JsonSchema } from '../contract/canonical.js';
import { pointerTo } from './objection.js';
import { demands, type SchemaDocument } from './schema-document.js';

/** A place where two schemas are written differently, whatever that means for values. */
export interface Difference {
  readonly rule: 'property-added' | 'property-removed' | 'default-changed' | 'rewritten';
  readonly pointer: string;
}

/** Keywords whose schemas are compared one by one. */
const NESTED = ['items', 'additionalProperties', 'propertyNames'] as const;
const NAMED = ['properties', 'patternProperties'] as const;
const LISTED = ['anyOf', 'oneOf', 'prefixItems'] as const;
/** `required` is left to those who compare values. */
const COMPARED_APART = new Set<string>([...NESTED, ...NAMED, ...LISTED, 'required']);

/** Where two documents differ in more than what only people read, each place once for each rule. */
export function differences(older: SchemaDocument, newer: SchemaDocument): Difference[] {
  const comparison = new Comparison(older, newer);
  comparison.compare(older.root, newer.root, '');
  return [...comparison.found.values()];
}

class Comparison {
  readonly found = new Map<string, Difference>();
  readonly #older: SchemaDocument;
  readonly #newer: SchemaDocument;
  /** Pairs that were met: recursion comes back to them. */
  readonly #seen = new Set<string>();

  constructor(older: SchemaDocument, newer: SchemaDocument) {
    this.#older = older;
    this.#newer = newer;
  }

  compare(before: Json, after: Json, at: string): void {
    const [old, young] = [resolve(this.#older, before), resolve(this.#newer, after)];
    const pair = `${this.#older.idOf([old])} ${this.#newer.idOf([young])}`;
    if (this.#seen.has(pair)) {
      return;
    }
    this.#seen.add(pair);
    if (textOf(defaultOf(before)) !== textOf(defaultOf(after))) {
      this.#note('default-changed', at);
    }
    // Where one is a union and the other is not, their parts have no counterparts.
    const isLikeIt = LISTED.every((keyword) => listAt(old, keyword).length === listAt(young, keyword).length);
    if (!isLikeIt || textOf(demandsOf(old)) !== textOf(demandsOf(young))) {
      this.#note('rewritten', at);
    }
    if (isLikeIt) {
      this.#compareInside(old, young, at);
    }
  }

  #compareInside(old: JsonSchema, young: JsonSchema, at: string): void {
    for (const keyword of NAMED) {
      const [mine, theirs] = [entriesAt(old, keyword), entriesAt(young, keyword)];
      for (const name of new Set([...mine.keys(), ...theirs.keys()])) {
        this.#compareProperty(mine.get(name), theirs.get(name), pointerTo(at, keyword, name));
      }
    }
    for (const keyword of LISTED) {
      const theirs = listAt(young, keyword);
      for (const [index, each] of listAt(old, keyword).entries()) {
        this.compare(each, theirs[index] as Json, pointerTo(at, keyword, index));
      }
    }
    for (const keyword of NESTED) {
      const [mine, theirs] = [old[keyword], young[keyword]];
      if (typeof mine === 'object' && typeof theirs === 'object') {
        this.compare(mine, theirs, pointerTo(at, keyword));
      } else if (mine !== theirs) {
        this.#note('rewritten', at);
      }
    }
  }

  #compareProperty(before: Json | undefined, after: Json | undefined, at: string): void {
    if (before !== undefined && after !== undefined) {
      this.compare(before, after, at);
    } else {
      this.#note(before === undefined ? 'property-added' : 'property-removed', at);
    }
  }

  #note(rule: Difference['rule'], pointer: string): void {
    this.found.set(`${rule} ${pointer}`, { rule, pointer });
  }
}

/** The schema that stands at a place, behind references. */
function resolve(document: SchemaDocument, schema: Json): JsonSchema {
  const parts = document.open(schema);
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : { allOf: parts };
}

function defaultOf(schema: Json): Json | undefined {
  return typeof schema === 'object' && schema !== null ? (schema as JsonSchema).default : undefined;
}

function demandsOf(schema: JsonSchema): JsonSchema {
  return Object.fromEntries(
    Object.entries(schema).filter(([keyword]) => demands(keyword) && !COMPARED_APART.has(keyword)),
  );
}

function textOf(value: Json | undefined): string | undefined {
  // References begin with the name of their document, which is another each time.
  return value === undefined ? undefined : canonicalJson(value).replace(/"\$ref":"[^"#]*#/g, '"$ref":"#');
}

function entriesAt(schema: JsonSchema, keyword: string): Map<string, Json> {
  return new Map(Object.entries((schema[keyword] ?? {}) as JsonSchema));
}

function listAt(schema: JsonSchema, keyword: string): readonly Json[] {
  return (schema[keyword] ?? []) as readonly Json[];
}
