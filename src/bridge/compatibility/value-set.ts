import { canonicalJson, type Json, type JsonSchema } from '../contract/canonical.js';
import { demands, NEVER, type Parts, type SchemaDocument } from './schema-document.js';
import { EVERY_TYPE, isAmong, typesOf, type ValueType } from './value-type.js';

/** Parts that only name a type; the same object each time. */
const TYPE_PARTS: Readonly<Record<ValueType, JsonSchema>> = {
  string: { type: 'string' },
  number: { type: 'number' },
  integer: { type: 'integer' },
  boolean: { type: 'boolean' },
  null: { type: 'null' },
  array: { type: 'array' },
  object: { type: 'object' },
};

const TYPES: ReadonlySet<JsonSchema> = new Set(Object.values(TYPE_PARTS));

/** The values that satisfy some parts of a schema. */
export class ValueSet {
  readonly document: SchemaDocument;
  readonly parts: Parts;
  /**
   * Whether these are values that somebody writes: a writer drops the properties that his schema does not name, unless it
   * says something of further ones. A reader ignores them.
   */
  readonly written: boolean;

  constructor(document: SchemaDocument, parts: Parts, written: boolean) {
    this.document = document;
    this.parts = parts;
    this.written = written;
  }

  static of(document: SchemaDocument, written: boolean): ValueSet {
    return new ValueSet(document, document.open(document.root), written);
  }

  get id(): string {
    return this.document.idOf(this.parts);
  }

  /** Whether nothing is in it; false when that is not obvious. */
  get isEmpty(): boolean {
    return this.parts.some((part) => isNever(part)) || this.types().length === 0;
  }

  /** The same with whatever further properties a reader would let pass. */
  asRead(): ValueSet {
    return this.written ? new ValueSet(this.document, this.parts, false) : this;
  }

  /** Another place of the same document. */
  at(...schemas: readonly (Json | undefined)[]): ValueSet {
    return new ValueSet(
      this.document,
      schemas.flatMap((schema) => this.document.open(schema)),
      this.written,
    );
  }

  /** The types of its values; `integer` only where no other number is in it. */
  types(): ValueType[] {
    return this.parts.map(typesOf).reduce(intersection, EVERY_TYPE) as ValueType[];
  }

  /** Those of its values that are of a type. */
  ofType(type: ValueType): ValueSet {
    return new ValueSet(this.document, [...this.parts, TYPE_PARTS[type]], this.written);
  }

  /** Its values, where they are few and listed; undefined where they are not. */
  listed(): readonly Json[] | undefined {
    const candidates = this.#candidates();
    return candidates?.filter((value) => this.document.accepts(this.parts, value));
  }

  #candidates(): readonly Json[] | undefined {
    for (const part of this.parts) {
      if ('const' in part) return [part.const as Json];
      if ('enum' in part) return part.enum as readonly Json[];
    }
    const types = this.types();
    if (types.every((type) => type === 'null' || type === 'boolean')) {
      return types.flatMap((type): Json[] => (type === 'null' ? [null] : [true, false]));
    }
    return undefined;
  }

  /** The branches of its first union, each with everything else that its values satisfy; undefined without a union. */
  branches(): readonly ValueSet[] | undefined {
    const union = this.parts.find((part) => 'anyOf' in part || 'oneOf' in part);
    if (union === undefined) {
      return undefined;
    }
    const keyword = 'anyOf' in union ? 'anyOf' : 'oneOf';
    const { [keyword]: branches, ...rest } = union;
    const others = this.parts.filter((part) => part !== union);
    const own = Object.keys(rest).some(demands) ? [this.document.withoutUnion(union)] : [];
    // A value of `oneOf` is in one of the branches too. Where a part has both unions, the other one is let go.
    return (branches as readonly Json[]).map(
      (branch) => new ValueSet(this.document, [...others, ...own, ...this.document.open(branch)], this.written),
    );
  }

  /** The greatest of what the parts say for a keyword. */
  greatest(keyword: string): number | undefined {
    return extreme(this.#numbers(keyword), Math.max);
  }

  /** The smallest of what the parts say for a keyword. */
  smallest(keyword: string): number | undefined {
    return extreme(this.#numbers(keyword), Math.min);
  }

  /** Whether a part says the same for a keyword; what refers elsewhere is not compared. */
  says(keyword: string, value: Json): boolean {
    const text = canonicalJson(value);
    return (
      !text.includes('"$ref":') &&
      this.parts.some((part) => keyword in part && canonicalJson(part[keyword] as Json) === text)
    );
  }

  /** The values of every part that has a keyword. */
  all(keyword: string): readonly Json[] {
    return this.parts.flatMap((part) => (part[keyword] === undefined ? [] : [part[keyword] as Json]));
  }

  /** Properties that every value has. */
  required(): Set<string> {
    return new Set(this.all('required').flatMap((names) => names as readonly string[]));
  }

  /** Properties that are named. */
  propertyNames(): Set<string> {
    return new Set(this.all('properties').flatMap((properties) => Object.keys(properties as JsonSchema)));
  }

  /** What a property can be. */
  property(name: string): ValueSet {
    return this.at(
      ...this.parts.flatMap((part): (Json | undefined)[] => {
        const named = own(part.properties, name);
        const matching = Object.entries((part.patternProperties ?? {}) as JsonSchema)
          .filter(([pattern]) => new RegExp(pattern, 'u').test(name))
          .map(([, schema]) => schema);
        const applying = [...(named === undefined ? [] : [named]), ...matching];
        return [
          ...(applying.length > 0 ? applying : [this.#further(part)]),
          ...(part.propertyNames === undefined || this.document.accepts(this.document.open(part.propertyNames), name)
            ? []
            : [NEVER]),
        ];
      }),
    );
  }

  /** What properties can be that are not named: those that match a pattern of its own, and the others. */
  furtherProperties(): ValueSet[] {
    const patterns = this.all('patternProperties').flatMap((schemas) => Object.values(schemas as JsonSchema));
    return [...patterns.map((schema) => this.at(schema)), this.otherProperties()].filter((set) => !set.isEmpty);
  }

  /** What properties can be that are neither named nor match a pattern. */
  otherProperties(): ValueSet {
    return this.at(...this.parts.map((part) => this.#further(part)));
  }

  /** What the element at an index can be. */
  element(index: number): ValueSet {
    return this.at(
      ...this.parts.map((part) => (part.prefixItems as readonly Json[] | undefined)?.[index] ?? part.items),
    );
  }

  /** How many elements have a schema of their own. */
  get tupleLength(): number {
    return Math.max(0, ...this.all('prefixItems').map((schemas) => (schemas as readonly Json[]).length));
  }

  #further(part: JsonSchema): Json | undefined {
    return part.additionalProperties ?? (this.#drops && 'properties' in part ? false : undefined);
  }

  /** Where several schemas describe one object, what one drops another may keep. */
  get #drops(): boolean {
    const [part, ...more] = this.parts.filter((each) => !TYPES.has(each));
    return this.written && more.length === 0 && part?.patternProperties === undefined;
  }

  #numbers(keyword: string): number[] {
    return this.all(keyword) as number[];
  }
}

/** Whether a schema says in so many words that it accepts nothing. */
export function isNever(part: JsonSchema): boolean {
  return part.not !== undefined && (part.not === true || Object.keys(part.not as JsonSchema).length === 0);
}

function intersection(some: readonly ValueType[], others: readonly ValueType[]): readonly ValueType[] {
  const both = [...some.filter((type) => isAmong(type, others)), ...others.filter((type) => isAmong(type, some))];
  return [...new Set(both)];
}

function extreme(numbers: readonly number[], pick: (...numbers: number[]) => number): number | undefined {
  return numbers.length === 0 ? undefined : pick(...numbers);
}

function own(properties: Json | undefined, name: string): Json | undefined {
  return properties !== undefined && Object.hasOwn(properties as object, name)
    ? (properties as JsonSchema)[name]
    : undefined;
}
