import { canonicalJson, type Json, type JsonSchema } from '../canonical.js';
import { TYPESCRIPT_ONLY_KEYWORD } from '../emission/exception.js';
import { type ClassNames, pascalCase } from './names.js';
import { ANY, type PythonDefinition, type PythonField, type PythonType, printValue, unionOf } from './types.js';

/** Where a part of a schema stands, and what its class is called. */
interface Spot {
  readonly name: string;
  /** Where in the payload, for example `files[].name`; empty for the payload itself. */
  readonly path: string;
  /** Whether the name is that of an alias around the part. */
  readonly isAlias?: boolean;
}

/** An object in a schema, with what the sides of an intersection add to it. */
interface ObjectParts {
  readonly properties: ReadonlyMap<string, Json>;
  readonly required: ReadonlySet<string>;
  readonly additional: Json | undefined;
  /** Whether it may have keys that are not among the properties, and the contract speaks of them. */
  readonly isOpen: boolean;
}

/** Reads emitted schemas into the definitions of a Python module. */
export class SchemaReader {
  readonly definitions: PythonDefinition[] = [];
  readonly #names: ClassNames;
  /** Shared definitions by id and content: the same one in two payloads is one class. */
  readonly #shared = new Map<string, string>();

  constructor(names: ClassNames) {
    this.#names = names;
  }

  /**
   * Reads the schema of a payload.
   *
   * @param name - of its class or alias, which is claimed already.
   * @param doc - what is said of a payload that does not describe itself.
   */
  read(schema: JsonSchema, name: string, doc: string): void {
    new PayloadReader(this, schema, name, doc).read();
  }

  /** Keeps the place of a definition whose parts come after it, and gives what fills it. */
  reserve(): (definition: PythonDefinition) => void {
    const index = this.definitions.length;
    this.definitions.length += 1;
    return (definition) => {
      this.definitions[index] = definition;
    };
  }

  claim(name: string): string {
    return this.#names.claim(name);
  }

  /** The name of a shared definition, and whether somebody has read it. */
  shared(key: string, claim: () => string): { readonly name: string; readonly known: boolean } {
    const known = this.#shared.get(key);
    const name = known ?? claim();
    this.#shared.set(key, name);
    return { name, known: known !== undefined };
  }
}

/** Reads one payload. */
class PayloadReader {
  readonly #module: SchemaReader;
  readonly #root: JsonSchema;
  readonly #rootName: string;
  readonly #rootDoc: string;
  readonly #definitions: JsonSchema;

  constructor(module: SchemaReader, root: JsonSchema, rootName: string, rootDoc: string) {
    this.#module = module;
    this.#root = root;
    this.#rootName = rootName;
    this.#rootDoc = rootDoc;
    this.#definitions = (root.$defs ?? {}) as JsonSchema;
  }

  read(): void {
    this.#define(this.#root, { name: this.#rootName, path: '' }, this.#rootDoc);
  }

  /** Writes a class or an alias of the spot's name. */
  #define(schema: JsonSchema, spot: Spot, otherwise = this.#describe(spot)): void {
    const fill = this.#module.reserve();
    const parts = schema.$ref === undefined ? this.#objectParts(schema) : undefined;
    const doc = docOf(schema, otherwise);
    if (parts === undefined || parts.properties.size === 0) {
      fill({ kind: 'alias', name: spot.name, doc, type: this.#typeOf(schema, { ...spot, isAlias: true }) });
    } else {
      fill({ kind: 'class', name: spot.name, doc, fields: this.#fieldsOf(parts, spot), isOpen: parts.isOpen });
    }
  }

  #fieldsOf({ properties, required }: ObjectParts, spot: Spot): PythonField[] {
    return [...properties].map(([key, value]) => {
      const schema = asSchema(value);
      return {
        key,
        type: this.#typeOf(schema, below(spot, pascalCase(key), spot.path === '' ? key : `.${key}`)),
        required: required.has(key),
        ...(schema.default === undefined ? {} : { default: schema.default }),
        doc: fieldDocOf(schema),
      };
    });
  }

  #typeOf(part: Json | undefined, spot: Spot): PythonType {
    const schema = asSchema(part);
    if (typeof schema.$ref === 'string') {
      return this.#referenceTo(schema.$ref, spot);
    }
    if (schema.not !== undefined) {
      return { kind: 'plain', text: 'NoReturn' };
    }
    if ('const' in schema) {
      return literal([schema.const as Json]);
    }
    if (schema.enum !== undefined) {
      return literal(schema.enum as readonly Json[]);
    }
    const options = (schema.anyOf ?? schema.oneOf) as readonly Json[] | undefined;
    if (options !== undefined) {
      return unionOf(
        options.map((option, index) => this.#typeOf(option, this.#optionSpot(option, index, options, spot))),
      );
    }
    const types = Array.isArray(schema.type) ? (schema.type as string[]) : [schema.type];
    return unionOf(types.map((type) => this.#simpleType(type as string | undefined, schema, spot)));
  }

  #simpleType(type: string | undefined, schema: JsonSchema, spot: Spot): PythonType {
    switch (type) {
      case 'string':
        return { kind: 'plain', text: 'str' };
      case 'integer':
        return { kind: 'plain', text: 'int' };
      case 'number':
        return { kind: 'plain', text: 'float' };
      case 'boolean':
        return { kind: 'plain', text: 'bool' };
      case 'null':
        return { kind: 'plain', text: 'None' };
      case 'array':
        return this.#arrayType(schema, spot);
      default:
        return this.#objectType(schema, spot);
    }
  }

  /** A list of whatever may be in it: Python's JSON has no tuples. */
  #arrayType(schema: JsonSchema, spot: Spot): PythonType {
    const first = (schema.prefixItems ?? []) as readonly Json[];
    const items = first.map((item, index) => this.#typeOf(item, below(spot, `Item${index}`, `[${index}]`)));
    const rest = schema.items === false ? [] : [this.#typeOf(schema.items, below(spot, 'Item', '[]'))];
    return { kind: 'list', item: unionOf([...items, ...rest]) };
  }

  #objectType(schema: JsonSchema, spot: Spot): PythonType {
    const parts = this.#objectParts(schema);
    if (parts === undefined) {
      return ANY;
    }
    if (parts.properties.size === 0) {
      const value = parts.additional === undefined ? ANY : this.#typeOf(parts.additional, below(spot, 'Value', '.*'));
      return { kind: 'dict', value };
    }
    const name = this.#module.claim(spot.isAlias ? `${spot.name}Value` : spot.name);
    this.#define(schema, { name, path: spot.path });
    return { kind: 'named', name };
  }

  /** What an object, or an intersection of objects, has; undefined for what is none. */
  #objectParts(schema: JsonSchema, seen: readonly string[] = []): ObjectParts | undefined {
    if (typeof schema.$ref === 'string') {
      const target = seen.includes(schema.$ref) ? undefined : resolvePointer(this.#root, schema.$ref);
      return target === undefined ? undefined : this.#objectParts(asSchema(target), [...seen, schema.$ref]);
    }
    if (Array.isArray(schema.allOf) && schema.type === undefined) {
      const sides = schema.allOf.flatMap((side: Json) => this.#objectParts(asSchema(side), seen) ?? []);
      return sides.length === 0 ? undefined : sides.reduceRight((later, earlier) => merge(earlier, later));
    }
    if (schema.type !== 'object') {
      return undefined;
    }
    const required = new Set((schema.required ?? []) as string[]);
    const names = asSchema(schema.propertyNames).enum as readonly string[] | undefined;
    const properties = names?.map((name) => [name, schema.additionalProperties ?? {}] as const);
    return {
      properties: new Map(properties ?? Object.entries((schema.properties ?? {}) as JsonSchema)),
      required,
      additional: schema.additionalProperties === false ? undefined : schema.additionalProperties,
      isOpen: names === undefined && typeof schema.additionalProperties === 'object',
    };
  }

  #referenceTo(reference: string, spot: Spot): PythonType {
    if (reference === '#') {
      return { kind: 'named', name: this.#rootName };
    }
    const id = definitionName(reference);
    const definition = this.#definitions[id] ?? resolvePointer(this.#root, reference);
    // zod numbers what has no name, and zod-to-json-schema refers to where a schema was first used.
    const isNamed = Object.hasOwn(this.#definitions, id) && !id.startsWith('__');
    // What the author has named may be in several payloads.
    const key = isNamed ? `${id} ${this.#closure(id)}` : `${this.#rootName} ${id}`;
    const wanted = isNamed ? pascalCase(id) : spot.isAlias ? `${spot.name}Value` : spot.name;
    const { name, known } = this.#module.shared(key, () => this.#module.claim(wanted));
    if (!known) {
      const here = { name, path: spot.path };
      this.#define(asSchema(definition), here, isNamed ? `What the contract calls \`${id}\`.` : undefined);
    }
    return { kind: 'named', name };
  }

  #describe({ path }: Spot): string {
    return path === '' ? this.#rootDoc : `\`${path}\` of \`${this.#rootName}\`.`;
  }

  /** A definition and all that it refers to, as text. */
  #closure(id: string): string {
    const reached = new Map<string, string>();
    const reach = (name: string): void => {
      const definition = this.#definitions[name];
      if (definition === undefined || reached.has(name)) return;
      const text = canonicalJson(definition);
      reached.set(name, text);
      for (const [, reference] of text.matchAll(/"\$ref":"#\/\$defs\/([^"]+)"/g)) {
        reach(String(reference));
      }
    };
    reach(id);
    return canonicalJson(Object.fromEntries(reached));
  }

  /** Options of a union are named after the literal that tells them apart, else numbered. */
  #optionSpot(option: Json, index: number, options: readonly Json[], spot: Spot): Spot {
    const properties = this.#objectParts(asSchema(option))?.properties ?? new Map<string, Json>();
    const tag = [...properties.values()]
      .map((value) => asSchema(value).const)
      .find((value) => typeof value === 'string');
    const objects = options.filter((other) => this.#objectParts(asSchema(other)) !== undefined);
    if (objects.length < 2) {
      return spot;
    }
    const name = pascalCase(String(tag ?? '')) || `Option${index + 1}`;
    return { name: `${spot.name}${name}`, path: spot.path };
  }
}

function merge(earlier: ObjectParts, later: ObjectParts): ObjectParts {
  return {
    properties: new Map([
      ...earlier.properties,
      ...[...later.properties].filter(([key]) => !earlier.properties.has(key)),
    ]),
    required: new Set([...earlier.required, ...later.required]),
    additional: earlier.additional ?? later.additional,
    isOpen: earlier.isOpen || later.isOpen,
  };
}

function below(spot: Spot, name: string, step: string): Spot {
  return { name: `${spot.name}${name}`, path: `${spot.path}${step}` };
}

/** A schema as an object; `true`, and none at all, accept anything. */
function asSchema(part: Json | undefined): JsonSchema {
  return typeof part === 'object' && part !== null && !Array.isArray(part) ? (part as JsonSchema) : {};
}

function definitionName(reference: string): string {
  return reference.replace('#/$defs/', '');
}

/** Literal types hold no fractions. */
function literal(values: readonly Json[]): PythonType {
  const kept = values.filter((value) => typeof value !== 'number' || Number.isSafeInteger(value));
  const scalars = kept as readonly (string | number | boolean | null)[];
  return unionOf([
    ...(scalars.length > 0 ? [{ kind: 'literal', values: scalars } as const] : []),
    ...(kept.length < values.length ? [{ kind: 'plain', text: 'float' } as const] : []),
  ]);
}

/** What people should know of a part of a payload, by paragraphs. */
function docOf(schema: JsonSchema, otherwise: string): string {
  const only = schema[TYPESCRIPT_ONLY_KEYWORD];
  const description = String(schema.description ?? schema.title ?? otherwise);
  return [description, ...(only === undefined ? [] : [`Checked in TypeScript only: ${String(only)}`])]
    .filter((paragraph) => paragraph !== '')
    .join('\n\n');
}

function fieldDocOf(schema: JsonSchema): string {
  const doc = docOf(schema, '');
  const standsFor = schema.default === undefined ? '' : `When it is left out: ${printValue(schema.default)}`;
  return [doc, standsFor].filter((paragraph) => paragraph !== '').join('\n\n');
}

/** The part of a schema that a reference such as `#/$defs/Address` points to. */
function resolvePointer(root: JsonSchema, reference: string): Json | undefined {
  const keys = reference.split('/').slice(1);
  return keys.reduce<Json | undefined>((part, escaped) => {
    const key = decodeURIComponent(escaped).replaceAll('~1', '/').replaceAll('~0', '~');
    return typeof part === 'object' && part !== null ? (part as JsonSchema)[key] : undefined;
  }, root);
}
