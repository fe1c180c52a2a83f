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
const COMPARED_APART = new Set<string>([...NESTED, ...NAMED, ...LISTED, 'default', 'required']);

/** Where two documents differ in more than what only people read. `required` is left to those who compare values. */
export function differences(older: SchemaDocument, newer: SchemaDocument): Difference[] {
  const seen = new Set<string>();
  const found: Difference[] = [];

  const compare = (before: Json | undefined, after: Json | undefined, at: string): void => {
    const [old, young] = [resolve(older, before), resolve(newer, after)];
    const pair = `${older.idOf([old])} ${newer.idOf([young])}`;
    if (seen.has(pair)) {
      return;
    }
    seen.add(pair);
    if (textOf(old.default) !== textOf(young.default)) {
      found.push({ rule: 'default-changed', pointer: at });
    }
    if (textOf(demandsOf(old)) !== textOf(demandsOf(young))) {
      found.push({ rule: 'rewritten', pointer: at });
    }
    if (LISTED.some((keyword) => keyword in old !== keyword in young)) {
      // Not the same kind of schema: its parts have no counterparts.
      found.push({ rule: 'rewritten', pointer: at });
      return;
    }
    for (const keyword of NAMED) {
      const [mine, theirs] = [objectAt(old, keyword), objectAt(young, keyword)];
      for (const name of new Set([...Object.keys(mine), ...Object.keys(theirs)])) {
        compareEntry(mine[name], theirs[name], pointerTo(at, keyword, name));
      }
    }
    for (const keyword of LISTED) {
      const [mine, theirs] = [listAt(old, keyword), listAt(young, keyword)];
      if (mine.length !== theirs.length) {
        found.push({ rule: 'rewritten', pointer: at });
      } else {
        for (const [index, each] of mine.entries()) {
          compare(each, theirs[index], pointerTo(at, keyword, index));
        }
      }
    }
    for (const keyword of NESTED) {
      if (old[keyword] === undefined && young[keyword] === undefined) {
        continue;
      }
      if (typeof old[keyword] === 'object' && typeof young[keyword] === 'object') {
        compare(old[keyword], young[keyword], pointerTo(at, keyword));
      } else if (old[keyword] !== young[keyword]) {
        found.push({ rule: 'rewritten', pointer: at });
      }
    }
  };

  const compareEntry = (before: Json | undefined, after: Json | undefined, at: string): void => {
    if (before === undefined || after === undefined) {
      found.push({ rule: before === undefined ? 'property-added' : 'property-removed', pointer: at });
    } else {
      compare(before, after, at);
    }
  };

  compare(older.root, newer.root, '');
  return [...new Map(found.map((each) => [`${each.rule} ${each.pointer}`, each])).values()];
}

function resolve(document: SchemaDocument, schema: Json | undefined): JsonSchema {
  const parts = document.open(schema);
  const [only] = parts;
  // The object itself where there is one, for its default; else what it comes down to.
  const isPlain = typeof schema === 'object' && schema !== null && !('$ref' in schema) && !('allOf' in schema);
  return isPlain ? (schema as JsonSchema) : parts.length === 1 && only !== undefined ? only : { allOf: parts };
}

function demandsOf(schema: JsonSchema): JsonSchema {
  return Object.fromEntries(
    Object.entries(schema).filter(([keyword]) => demands(keyword) && !COMPARED_APART.has(keyword)),
  );
}

function textOf(value: Json | undefined): string | undefined {
  // The names of documents are in references, and differ.
  return value === undefined ? undefined : canonicalJson(value).replace(/"document-\d+#/g, '"#');
}

function objectAt(schema: JsonSchema, keyword: string): JsonSchema {
  return (schema[keyword] ?? {}) as JsonSchema;
}

function listAt(schema: JsonSchema, keyword: string): readonly Json[] {
  return (schema[keyword] ?? []) as readonly Json[];
}
