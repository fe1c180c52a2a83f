import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { Json, JsonSchema } from '../contract/canonical.js';
import { TYPESCRIPT_ONLY_KEYWORD } from '../contract/emission/exception.js';
import { isDemanding } from '../contract/emission/keywords.js';
import { mapSchema } from '../contract/emission/schema-walk.js';
import { pointerTo } from './objection.js';
import { isAmong, typeOf, typesOf } from './value-type.js';

/** Schemas of which a value has to satisfy every one: what `allOf` and references come down to. */
export type Parts = readonly JsonSchema[];

/** A schema that no value satisfies. */
export const NEVER: JsonSchema = { not: {} };

/** Keywords that {@link SchemaDocument.open} takes apart. */
const STRUCTURE = new Set(['$ref', 'allOf']);

/** Whether a keyword has a say in which values are accepted; that of a format counts, for zod 3 checks it. */
export function demands(keyword: string): boolean {
  return isDemanding(keyword) || keyword === 'format' || keyword === TYPESCRIPT_ONLY_KEYWORD;
}

/** Contracts have been linted: nothing is left to check of the schemas themselves, which takes longer than all the rest. */
const AJV = { strict: false, meta: false, validateSchema: false, allErrors: true, logger: false } as const;

function saysOnlyTypes(part: JsonSchema): boolean {
  return Object.keys(part).every((keyword) => keyword === 'type' || !demands(keyword));
}

let documents = 0;

/** Each document has another: pairs of them are looked at together. */
function nextName(): string {
  documents += 1;
  return `document-${documents}`;
}

/** An emitted schema whose parts can be looked at, and asked, one by one. */
export class SchemaDocument {
  readonly root: JsonSchema;
  readonly #name = nextName();
  // Formats are annotations, as they are to the Python gate.
  readonly #ajv = new Ajv2020({ ...AJV, validateFormats: false });
  readonly #opened = new WeakMap<JsonSchema, Parts>();
  readonly #rests = new WeakMap<JsonSchema, JsonSchema>();
  readonly #validators = new WeakMap<JsonSchema, ValidateFunction>();
  readonly #ids = new WeakMap<JsonSchema, number>();
  #count = 0;

  constructor(schema: JsonSchema) {
    // References become absolute, so that a part of the schema can be asked apart from the whole.
    this.root = mapSchema(schema, ({ $id: _id, $schema: _schema, ...part }) =>
      typeof part.$ref === 'string' ? { ...part, $ref: `${this.#name}${part.$ref}` } : part,
    );
    this.#ajv.addSchema(this.root, this.#name);
  }

  /** A schema as parts that have neither references nor `allOf`; one that accepts everything has no parts. */
  open(schema: Json | undefined): Parts {
    if (schema === undefined || schema === true) {
      return [];
    }
    if (schema === false || typeof schema !== 'object' || schema === null || Array.isArray(schema)) {
      return [NEVER];
    }
    const node = schema as JsonSchema;
    const known = this.#opened.get(node);
    if (known !== undefined) {
      return known;
    }
    this.#opened.set(node, []);
    const own = this.#without(node, STRUCTURE);
    const parts = [
      ...(Object.keys(own).some(demands) ? [own] : []),
      ...(typeof node.$ref === 'string' ? this.open(this.#target(node.$ref)) : []),
      ...((node.allOf as readonly Json[] | undefined) ?? []).flatMap((part) => this.open(part)),
    ];
    this.#opened.set(node, parts);
    return parts;
  }

  /** A part without its unions, of which one branch is looked at. */
  withoutUnion(part: JsonSchema): JsonSchema {
    const known = this.#rests.get(part) ?? this.#without(part, new Set(['anyOf', 'oneOf']));
    this.#rests.set(part, known);
    return known;
  }

  /** Whether a value satisfies all parts. */
  accepts(parts: Parts, value: Json): boolean {
    const type = typeOf(value);
    // Most answers are in the types, and it takes a while to compile a validator.
    return (
      parts.every((part) => isAmong(type, typesOf(part))) &&
      parts.every((part) => saysOnlyTypes(part) || this.#validator(part)(value))
    );
  }

  /** Where the whole schema refuses a value: pointers into the value, also to properties that are missing or too many. */
  refusals(value: Json): string[] {
    const validate = this.#validator(this.root);
    validate(value);
    return (validate.errors ?? []).map(({ instancePath, params }) => {
      const property: unknown = params.missingProperty ?? params.additionalProperty ?? params.propertyName;
      return property === undefined ? instancePath : pointerTo(instancePath, String(property));
    });
  }

  /** The same for the same parts. */
  idOf(parts: Parts): string {
    return parts.map((part) => this.#idOfPart(part)).join('+');
  }

  #idOfPart(part: JsonSchema): number {
    const id = this.#ids.get(part) ?? this.#count + 1;
    this.#count = Math.max(this.#count, id);
    this.#ids.set(part, id);
    return id;
  }

  #validator(part: JsonSchema): ValidateFunction {
    const validator = this.#validators.get(part) ?? this.#ajv.compile(part);
    this.#validators.set(part, validator);
    return validator;
  }

  #target(ref: string): Json | undefined {
    const steps = decodeURIComponent(ref.slice(this.#name.length + 1))
      .split('/')
      .slice(1);
    return steps.reduce<Json | undefined>((node, step) => {
      const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
      return (node as JsonSchema | undefined)?.[key];
    }, this.root);
  }

  #without(node: JsonSchema, keywords: ReadonlySet<string>): JsonSchema {
    // The same object where nothing is left out: what was looked at once is recognised.
    const dropped = Object.keys(node).some((keyword) => keywords.has(keyword));
    return dropped ? Object.fromEntries(Object.entries(node).filter(([keyword]) => !keywords.has(keyword))) : node;
  }
}
