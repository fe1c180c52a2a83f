import type { Json, JsonSchema } from '../contract/canonical.js';
import { areDisjoint } from './disjoint.js';
import { type Facet, type Objection, pointerTo } from './objection.js';
import { demands } from './schema-document.js';
import { isNever, type ValueSet } from './value-set.js';
import { isAmong, typeOf, typesOf, type ValueType } from './value-type.js';

/** Keywords that are understood, by the type of value that they concern. */
const UNDERSTOOD: Readonly<Record<ValueType | 'any', ReadonlySet<string>>> = {
  any: new Set(['type', 'const', 'enum', 'anyOf', 'oneOf', 'not']),
  string: new Set(['minLength', 'maxLength', 'pattern', 'format']),
  number: new Set(['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']),
  integer: new Set(['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']),
  boolean: new Set(),
  null: new Set(),
  array: new Set(['minItems', 'maxItems', 'prefixItems', 'items']),
  object: new Set(['properties', 'required', 'additionalProperties', 'patternProperties', 'propertyNames']),
};

const EVERY_UNDERSTOOD = new Set(Object.values(UNDERSTOOD).flatMap((keywords) => [...keywords]));

/**
 * Says where a reader may refuse what a writer may write; nothing when every value of the writer is accepted.
 *
 * It follows the writer's schema down to places where nothing branches any more, and asks each demand of the reader there.
 * What it does not understand, it objects to.
 */
export function objections(writer: ValueSet, reader: ValueSet): Objection[] {
  return new Inclusion().check(writer, reader, '');
}

class Inclusion {
  /**
   * Pairs that hold, or that are being looked at further out: recursion comes back to those, and they hold unless something
   * else objects. In the order in which they were met.
   */
  readonly #assumed = new Set<string>();

  check(writer: ValueSet, reader: ValueSet, at: string): Objection[] {
    if (reader.parts.length === 0 || writer.isEmpty) {
      return [];
    }
    const pair = `${writer.id} in ${reader.id}`;
    if (this.#assumed.has(pair)) {
      return [];
    }
    const before = this.#assumed.size;
    this.#assumed.add(pair);
    const found = this.#checkSet(writer, reader, at);
    if (found.length > 0) {
      // What was found since then may rest on this pair, which does not hold.
      for (const since of [...this.#assumed].slice(before)) {
        this.#assumed.delete(since);
      }
    }
    return unique(found);
  }

  #checkSet(writer: ValueSet, reader: ValueSet, at: string): Objection[] {
    const listed = writer.listed();
    if (listed !== undefined) {
      return listed.flatMap((value) => this.#checkValue(value, reader, at));
    }
    const branches = writer.branches();
    if (branches !== undefined) {
      return branches.flatMap((branch) =>
        branches.length > 1 && areDisjoint(branch.asRead(), reader)
          ? [objection('union', at, 'has nothing like one of its branches')]
          : this.check(branch, reader, at),
      );
    }
    const [type, ...more] = writer.types();
    if (more.length > 0) {
      return writer.types().flatMap((each) => this.check(writer.ofType(each), reader, at));
    }
    return type === undefined ? [] : reader.parts.flatMap((part) => this.#checkPart(writer, type, reader, part, at));
  }

  #checkValue(value: Json, reader: ValueSet, at: string): Objection[] {
    if (reader.document.accepts(reader.parts, value)) {
      return [];
    }
    if (reader.isEmpty) {
      return [objection('never', at, 'accepts nothing')];
    }
    const type = typeOf(value);
    const takesType = isAmong(type, reader.types());
    const lists = reader.all('enum').length + reader.all('const').length > 0;
    const facet = lists ? 'enum' : !takesType ? 'type' : reader.branches() === undefined ? 'bounds' : 'union';
    return [objection(facet, at, `refuses ${JSON.stringify(value)}`)];
  }

  /** One demand of the reader on values of one type that nothing else tells apart. */
  #checkPart(writer: ValueSet, type: ValueType, reader: ValueSet, part: JsonSchema, at: string): Objection[] {
    if (isNever(part)) {
      return [objection('never', at, 'accepts nothing')];
    }
    if (!isAmong(type, typesOf(part))) {
      return [objection('type', at, `wants ${typesOf(part).join(' or ')}, not ${type}`)];
    }
    if ('const' in part || 'enum' in part) {
      return [objection('enum', at, 'accepts only the values that it lists')];
    }
    return [
      ...this.#checkUnion(writer, reader, part, at),
      ...this.#checkNot(writer, reader, part, at),
      ...this.#checkKeywords(writer, type, part, at),
      ...(type === 'array' ? this.#checkArray(writer, reader.at(part), at) : []),
      ...(type === 'object' ? this.#checkObject(writer, reader.at(part), at) : []),
    ];
  }

  #checkUnion(writer: ValueSet, reader: ValueSet, part: JsonSchema, at: string): Objection[] {
    const keywords = (['anyOf', 'oneOf'] as const).filter((keyword) => keyword in part);
    return keywords.flatMap((keyword) => {
      const branches = (part[keyword] as readonly Json[]).map((branch) => reader.at(branch));
      // As read: a branch that only lacks a field is still the branch that is meant.
      const shape = writer.asRead();
      const possible = [...branches.keys()].filter((index) => !areDisjoint(shape, branches[index] as ValueSet));
      const answers = possible.map((index) =>
        this.check(writer, branches[index] as ValueSet, pointerTo(at, keyword, index)),
      );
      const isOne = keyword === 'anyOf' || possible.length === 1;
      if (isOne && answers.some((found) => found.length === 0)) {
        return [];
      }
      if (possible.length === 0) {
        return [objection('union', at, 'has no branch for it')];
      }
      return possible.length === 1 && answers[0] !== undefined
        ? answers[0]
        : [objection('union', at, 'may have no single branch for it', true)];
    });
  }

  #checkNot(writer: ValueSet, reader: ValueSet, part: JsonSchema, at: string): Objection[] {
    const { not } = part;
    if (not === undefined || writer.says('not', not) || areDisjoint(writer, reader.at(not))) {
      return [];
    }
    return [objection('keyword', at, "excludes values by 'not'", true)];
  }

  /** Everything that concerns the value itself and not what is in it. */
  #checkKeywords(writer: ValueSet, type: ValueType, part: JsonSchema, at: string): Objection[] {
    return Object.entries(part).flatMap(([keyword, demand]): Objection[] => {
      if (!demands(keyword)) {
        return [];
      }
      if (!EVERY_UNDERSTOOD.has(keyword)) {
        return writer.says(keyword, demand) ? [] : [objection('keyword', at, `has the keyword '${keyword}'`, true)];
      }
      return UNDERSTOOD[type].has(keyword) ? checkKeyword(writer, type, keyword, demand, part, at) : [];
    });
  }

  #checkArray(writer: ValueSet, reader: ValueSet, at: string): Objection[] {
    const found: Objection[] = [];
    const tuple = Math.max(writer.tupleLength, reader.tupleLength);
    const longest = writer.smallest('maxItems') ?? Number.POSITIVE_INFINITY;
    for (let index = 0; index <= tuple && index < longest; index += 1) {
      const written = writer.element(index);
      if (written.isEmpty) {
        break;
      }
      const place = index < tuple ? pointerTo(at, 'prefixItems', index) : pointerTo(at, 'items');
      found.push(...this.check(written, reader.element(index), place));
    }
    return found;
  }

  #checkObject(writer: ValueSet, reader: ValueSet, at: string): Objection[] {
    const always = writer.required();
    const missing = [...reader.required()]
      .filter((name) => !always.has(name))
      .map((name) => objection('required', pointerTo(at, 'properties', name), 'requires it, and it may be missing'));

    const named = new Set([...writer.propertyNames(), ...reader.propertyNames()]);
    const properties = [...named].flatMap((name) => {
      const written = writer.property(name);
      if (written.isEmpty) {
        return [];
      }
      const read = reader.property(name);
      const place = pointerTo(at, 'properties', name);
      return read.parts.some(isNever) && !reader.propertyNames().has(name)
        ? [objection('property', place, 'refuses properties that it does not name')]
        : this.check(written, read, place);
    });
    return [
      ...missing,
      ...properties,
      ...this.#checkFurther(writer, reader, at),
      ...this.#checkNames(writer, reader, at),
    ];
  }

  /** Properties that neither side names. */
  #checkFurther(writer: ValueSet, reader: ValueSet, at: string): Objection[] {
    const written = writer.furtherProperties();
    const others = pointerTo(at, 'additionalProperties');
    const patterns = (set: ValueSet): [string, Json][] =>
      set.all('patternProperties').flatMap((schemas) => Object.entries(schemas as JsonSchema));
    const own = new Map(patterns(writer));

    const matching = patterns(reader).flatMap(([pattern, schema]) => {
      // Any further property may match, unless the writer treats the same pattern apart.
      const same = own.get(pattern);
      const sources = same === undefined ? written : [writer.at(same)];
      return sources.flatMap((set) => this.check(set, reader.at(schema), pointerTo(at, 'patternProperties', pattern)));
    });
    const shared = new Set(patterns(reader).map(([pattern]) => pattern));
    const rest = [
      ...[...own].filter(([pattern]) => !shared.has(pattern)).map(([, schema]) => writer.at(schema)),
      writer.otherProperties(),
    ];
    return [...matching, ...rest.flatMap((set) => this.check(set, reader.otherProperties(), others))];
  }

  /** The names of properties. Those that are named were asked one by one. */
  #checkNames(writer: ValueSet, reader: ValueSet, at: string): Objection[] {
    const demanded = reader.all('propertyNames');
    if (demanded.length === 0 || writer.furtherProperties().length === 0) {
      return [];
    }
    const names = writer.at(...writer.all('propertyNames')).ofType('string');
    return this.check(names, reader.at(...demanded), pointerTo(at, 'propertyNames'));
  }
}

function checkKeyword(
  writer: ValueSet,
  type: ValueType,
  keyword: string,
  demand: Json,
  part: JsonSchema,
  at: string,
): Objection[] {
  const bounds = (holds: boolean, text: string) => (holds ? [] : [objection('bounds', at, text)]);
  switch (keyword) {
    case 'minLength':
    case 'minItems':
      return bounds((writer.greatest(keyword) ?? 0) >= Number(demand), `demands a ${keyword} of ${demand}`);
    case 'maxLength':
    case 'maxItems':
      return bounds(
        (writer.smallest(keyword) ?? longestOf(writer, type)) <= Number(demand),
        `demands a ${keyword} of ${demand}`,
      );
    case 'pattern':
      return writer.says(keyword, demand) ? [] : [objection('pattern', at, `demands the pattern ${demand}`, true)];
    case 'format':
      // With a pattern beside it, the pattern says what has to hold.
      return 'pattern' in part || writer.says(keyword, demand)
        ? []
        : [objection('format', at, `demands the format ${demand}`, true)];
    case 'minimum':
    case 'exclusiveMinimum':
    case 'maximum':
    case 'exclusiveMaximum':
      return bounds(isWithin(writer, type, keyword, Number(demand)), `demands a ${keyword} of ${demand}`);
    case 'multipleOf': {
      const steps = [...(writer.all('multipleOf') as number[]), ...(type === 'integer' ? [1] : [])];
      return bounds(
        steps.some((step) => Number.isInteger(step / Number(demand))),
        `demands multiples of ${demand}`,
      );
    }
    default:
      return [];
  }
}

/** A tuple that allows nothing after its elements is no longer than they are. */
function longestOf(writer: ValueSet, type: ValueType): number {
  const ends = type === 'array' && writer.element(writer.tupleLength).isEmpty;
  return ends ? writer.tupleLength : Number.POSITIVE_INFINITY;
}

function isWithin(writer: ValueSet, type: ValueType, keyword: string, demand: number): boolean {
  const isLower = keyword === 'minimum' || keyword === 'exclusiveMinimum';
  const isExclusive = keyword.startsWith('exclusive');
  // Mirrored, so that a lower bound is an upper one.
  const sign = isLower ? -1 : 1;
  const inclusive = isLower ? writer.greatest('minimum') : writer.smallest('maximum');
  const exclusive = isLower ? writer.greatest('exclusiveMinimum') : writer.smallest('exclusiveMaximum');
  const below = (bound: number | undefined, strict: boolean): boolean => {
    if (bound === undefined) {
      return false;
    }
    // No integer lies between its bound and the one before it.
    const last = type === 'integer' ? lastInteger(bound * sign, strict) : bound * sign;
    const reached = type === 'integer' || !strict;
    return isExclusive && reached ? last < demand * sign : last <= demand * sign;
  };
  return below(inclusive, false) || below(exclusive, true);
}

/** The greatest integer up to a bound, or below it. */
function lastInteger(bound: number, isExclusive: boolean): number {
  const floor = Math.floor(bound);
  return isExclusive && floor === bound ? floor - 1 : floor;
}

function objection(facet: Facet, pointer: string, reason: string, undecided = false): Objection {
  return { facet, pointer, reason, undecided };
}

/** One for each facet of each place; one that is certain rather than one that is not. */
function unique(found: readonly Objection[]): Objection[] {
  const kept = new Map<string, Objection>();
  for (const each of found) {
    const key = `${each.facet} ${each.pointer}`;
    const known = kept.get(key);
    if (known === undefined || (known.undecided && !each.undecided)) {
      kept.set(key, each);
    }
  }
  return [...kept.values()];
}
