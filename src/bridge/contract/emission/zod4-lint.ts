import * as z from 'zod';
import { isZod4 } from '../schema.js';
import { typeScriptOnlyCheck } from '../typescript-only.js';
import { codecFault, unionFault } from './codec.js';
import { ComputedDefaults } from './computed-defaults.js';
import { Excuse } from './exception.js';
import { clashOf } from './intersection.js';
import type { Linter } from './linter.js';
import { smuggledKeyword } from './metadata.js';
import { isFixedRule, REMEDIES, type Remedy } from './remedies.js';
import {
  type AnySchema,
  type CheckDefinition,
  checksOf,
  type Definition,
  definitionOf,
  holdsCodec,
  isCodec,
  isSchema,
  isWrapper,
  lazilyMeant,
  withParts,
} from './zod4-definition.js';

/** Types that mean the same on both sides, apart from what their checks and parts say. */
const CARRIED_TYPES = new Set([
  ...['string', 'number', 'boolean', 'null', 'any', 'unknown', 'never', 'enum', 'literal', 'template_literal'],
  ...['array', 'tuple', 'object', 'record', 'union', 'intersection', 'lazy'],
  ...['optional', 'nullable', 'nonoptional', 'default', 'prefault', 'readonly', 'pipe'],
]);

/** Checks that JSON Schema has a keyword for. */
const CARRIED_CHECKS = new Set([
  ...['min_length', 'max_length', 'length_equals', 'greater_than', 'less_than', 'number_format'],
  ...['multiple_of', 'string_format'],
]);

/** Formats that zod checks by code: the pattern that it emits with some of them is not what it checks. */
const FORMATS_BY_CODE = new Set(['url', 'ipv6', 'cidrv6', 'jwt', 'json_string', 'credit_card', 'iban']);

/** Checks of literal text: zod emits a pattern for them but does not run it. */
const TEXT_FORMATS = new Set(['includes', 'starts_with', 'ends_with', 'lowercase', 'uppercase']);

/** Types that the keys of a record may have. */
const KEY_TYPES = new Set(['string', 'enum', 'literal', 'template_literal', 'union']);

/** What an author has admitted of one schema. */
export interface Admission {
  /** What TypeScript checks, in the author's words: one for each mark that the schema is used under. */
  readonly checks: ReadonlySet<string>;
  /** Checks that must not be emitted. */
  readonly unemitted: readonly CheckDefinition[];
}

/**
 * Reports everything in a zod 4 schema that JSON Schema cannot carry.
 *
 * @returns the schemas with checks that are made in TypeScript only.
 */
export function lintZod4(schema: AnySchema, linter: Linter): ReadonlyMap<AnySchema, Admission> {
  const lint = new Zod4Lint(linter);
  lint.run(schema);
  return lint.admissions;
}

/** Where a schema is used. */
interface Place {
  /** Where in the payload. */
  readonly path: string;
  /** Whether a value may be absent here and leave no trace; in a list, it would become null. */
  readonly mayBeAbsent: boolean;
  /** Says that checks of the schema are made in TypeScript only. */
  readonly excuse?: Excuse | undefined;
}

class Zod4Lint {
  readonly admissions = new Map<AnySchema, Admission>();
  readonly #linter: Linter;
  readonly #defaults = new ComputedDefaults();
  readonly #ids = new Map<string, AnySchema>();
  /** The kinds of places where a schema has been looked at. */
  readonly #seen = new Map<AnySchema, Pick<Place, 'mayBeAbsent' | 'excuse'>[]>();

  constructor(linter: Linter) {
    this.#linter = linter;
  }

  run(schema: AnySchema): void {
    this.#visit(schema, { path: '', mayBeAbsent: false });
    for (const path of this.#defaults.changed()) {
      this.#linter.report(path, 'computed-default');
    }
  }

  #visit(schema: AnySchema, place: Place): void {
    if (!isZod4(schema)) {
      this.#report('mixed-versions', place);
      return;
    }
    const check = typeScriptOnlyCheck(schema);
    const excuse = check === undefined ? undefined : new Excuse(check);
    const here = { ...place, excuse: excuse ?? place.excuse };
    // What is excused in one place is not in another: each mark is a kind of place of its own.
    const seen = this.#seen.get(schema) ?? [];
    if (seen.some((other) => other.mayBeAbsent === here.mayBeAbsent && other.excuse === here.excuse)) {
      return;
    }
    this.#seen.set(schema, [...seen, here]);
    this.#lintMetadata(schema, here);
    this.#lintSchema(schema, here);
    this.#lintChecks(schema, here);
    this.#visitParts(schema, here);
    if (excuse?.used) {
      this.#linter.exceptions.push({ path: place.path, check: excuse.check });
    } else if (excuse !== undefined) {
      this.#linter.report(place.path, 'needless-exception');
    }
  }

  #visitParts(schema: AnySchema, place: Place): void {
    const definition = definitionOf(schema);
    const { path } = place;
    switch (definition.type) {
      case 'object':
        for (const [key, part] of Object.entries(definition.shape)) {
          this.#visit(part, below(place, key));
        }
        if (definition.catchall !== undefined && definitionOf(definition.catchall).type !== 'never') {
          this.#visit(definition.catchall, { path: `${path}.*`, mayBeAbsent: true });
        }
        break;
      case 'array':
        this.#visit(definition.element, { path: `${path}[]`, mayBeAbsent: false });
        break;
      case 'tuple':
        for (const [index, part] of definition.items.entries()) {
          const mayEndHere = definition.items.slice(index).every((item) => item._zod.optin !== undefined);
          this.#visit(part, { path: `${path}[${index}]`, mayBeAbsent: mayEndHere });
        }
        if (definition.rest !== null) {
          this.#visit(definition.rest, { path: `${path}[]`, mayBeAbsent: false });
        }
        break;
      case 'record':
        this.#visit(definition.keyType, { path: `${path}.* (key)`, mayBeAbsent: false });
        this.#visit(definition.valueType, { path: `${path}.*`, mayBeAbsent: true });
        break;
      case 'union':
        for (const option of definition.options) {
          this.#visit(option, { path, mayBeAbsent: place.mayBeAbsent });
        }
        break;
      case 'intersection':
        this.#visit(definition.left, { path, mayBeAbsent: place.mayBeAbsent });
        this.#visit(definition.right, { path, mayBeAbsent: place.mayBeAbsent });
        break;
      case 'pipe':
        // What decodes a value is on this side only.
        if (definitionOf(definition.in).type !== 'transform') {
          this.#visit(definition.in, place);
        }
        break;
      case 'lazy':
        this.#visit(lazilyMeant(schema), place);
        break;
      default:
        if (isWrapper(schema)) {
          // A default takes the place of what is absent.
          const mayBeAbsent = place.mayBeAbsent || definition.type !== 'nullable';
          this.#visit(definition.innerType, { ...place, mayBeAbsent });
        }
    }
  }

  #lintSchema(schema: AnySchema, place: Place): void {
    const definition = definitionOf(schema);
    if (!CARRIED_TYPES.has(definition.type)) {
      this.#reportUnknown(definition.type, place);
    }
    if (definition.coerce === true) {
      this.#report('coerce', place);
    }
    switch (definition.type) {
      case 'pipe':
        this.#lintPipe(schema, place);
        break;
      case 'union':
        if (definition.options.length === 0) {
          this.#report('empty-union', place);
        }
        if (definition.options.some(isCodec)) {
          const fault = unionFault(schema);
          if (fault !== undefined) this.#reportWith('ambiguous-codec', fault, place);
        }
        break;
      case 'tuple':
        // Without a rest, zod counts the items first.
        for (const [index, item] of definition.items.entries()) {
          if (definition.rest !== null && mayBeMissed(item)) {
            this.#report('absent-anything', { ...place, path: `${place.path}[${index}]` });
          }
        }
        break;
      case 'object':
        if (Object.getOwnPropertySymbols(definition.shape).length > 0) {
          this.#report('symbol', place);
        }
        for (const [key, part] of Object.entries(definition.shape)) {
          if (isInherited(key, part)) this.#report('proto', below(place, key));
        }
        break;
      case 'record':
        this.#lintRecord(definition, place);
        break;
      case 'intersection': {
        const clash = clashOf(schema);
        if (clash !== undefined) {
          this.#report(clash, place);
        }
        break;
      }
      case 'literal':
      case 'enum':
        if (![...(definition.values ?? Object.values(definition.entries))].every(isJsonScalar)) {
          this.#report('literal', place);
        }
        break;
      case 'template_literal':
        this.#lintPattern((schema as z.core.$ZodTemplateLiteral)._zod.pattern, place);
        this.#lintUnemitted(withParts(definition.parts.filter(isSchema)), place);
        break;
      case 'optional':
        if (!place.mayBeAbsent) {
          this.#report('optional', place);
        }
        break;
      case 'default':
      case 'prefault':
        this.#lintDefault(definition, place);
        break;
      default:
        break;
    }
  }

  #lintDefault(definition: Definition, place: Place): void {
    this.#defaults.watch(definition, place.path);
    // zod hands a default out unchecked, and Python would refuse it; what goes before parsing is refused by zod itself.
    const read = definition.type === 'default' ? z.encode : z.parse;
    if (throws(() => read(definition.innerType, definition.defaultValue))) {
      this.#report('default', place);
    }
  }

  #lintPipe(schema: AnySchema, place: Place): void {
    const { in: input, out: output } = definitionOf(schema);
    if (definitionOf(input).type === 'transform') {
      this.#report('preprocess', place);
    } else if (definitionOf(output).type === 'transform') {
      this.#report('transform', place);
    } else if (!isCodec(schema)) {
      this.#report('pipe', place);
    } else {
      this.#linter.sawCodec = true;
      const decoded = withParts([output]);
      this.#lintUnemitted(decoded, place);
      // Whether what is decoded is whole and finite, samples tell.
      if (decoded.some((part) => checksOf(part).some(({ check }) => check !== 'number_format'))) {
        this.#report('codec', place);
      } else {
        const fault = codecFault(schema);
        if (fault !== undefined) this.#reportWith('partial-codec', fault, place);
      }
    }
  }

  /** A mark is emitted with the schema that has it, and redacts nothing when that is not emitted. */
  #lintUnemitted(parts: readonly AnySchema[], place: Place): void {
    if (parts.some((part) => z.globalRegistry.get(part)?.secret === true)) {
      this.#report('unemitted-secret', place);
    }
  }

  #lintRecord({ keyType, valueType, mode, partial }: Definition, place: Place): void {
    if (!areKeys(keyType)) {
      this.#report('record-key', place);
    }
    for (const key of partial ? [] : (keyType._zod.values ?? [])) {
      if (isInherited(String(key), valueType)) this.#report('proto', below(place, String(key)));
    }
    const [pattern, ...others] = checksOf(keyType);
    if (mode === 'loose' && (pattern?.check !== 'string_format' || others.length > 0)) {
      this.#report('loose-record', place);
    } else if (mode === 'loose' && holdsCodec(valueType)) {
      this.#report('loose-codec', place);
    }
    if (keyType._zod.values !== undefined && !partial && mayBeMissed(valueType)) {
      this.#report('absent-anything', { ...place, path: `${place.path}.*` });
    }
  }

  #lintMetadata(schema: AnySchema, place: Place): void {
    const { id, ...metadata } = z.globalRegistry.get(schema) ?? {};
    const keyword = smuggledKeyword(metadata);
    if (keyword !== undefined) {
      this.#reportWith(
        'metadata',
        { ...REMEDIES.metadata, reason: `.meta() sets the keyword '${keyword}', which only Python would check` },
        place,
      );
    }
    if (schema._zod.toJSONSchema !== undefined) {
      this.#report('own-schema', place);
    }
    if (id === undefined) {
      return;
    }
    if (!/^[A-Za-z][\w.-]*$/.test(id)) {
      this.#report('id', place);
    }
    if ((this.#ids.get(id) ?? schema) !== schema) {
      this.#reportWith(
        'duplicate-id',
        { ...REMEDIES['duplicate-id'], reason: `two schemas have the id '${id}'` },
        place,
      );
    }
    this.#ids.set(id, schema);
  }

  #lintChecks(schema: AnySchema, place: Place): void {
    // What is no JSON to begin with needs another schema, not other checks.
    if (!CARRIED_TYPES.has(definitionOf(schema).type)) {
      return;
    }
    const unemitted: CheckDefinition[] = [];
    let excused = false;
    for (const check of checksOf(schema)) {
      const admitted = this.#lintCheck(check, schema, place);
      excused ||= admitted;
      if (admitted) unemitted.push(check);
    }
    const fromPipe = isCodec(schema) && place.excuse?.used === true;
    if (place.excuse !== undefined && (excused || fromPipe)) {
      // Under another mark before: the schema is emitted in one way for both.
      const checks = new Set([...(this.admissions.get(schema)?.checks ?? []), place.excuse.check]);
      this.admissions.set(schema, { checks, unemitted });
    }
  }

  /** @returns whether the check is excused: made in TypeScript only, and not to be emitted. */
  #lintCheck(check: CheckDefinition, schema: AnySchema, place: Place): boolean {
    if (check.check === 'custom') {
      return this.#report('refine', place);
    }
    if (!CARRIED_CHECKS.has(check.check)) {
      return this.#reportUnknown(check.check, place);
    }
    switch (check.check) {
      case 'string_format':
        return this.#lintFormat(check, place);
      case 'multiple_of':
        if (!isSafeStep(check.value, schema)) return this.#report('multiple-of', place);
        return isBounded(schema) ? false : this.#report('unbounded-step', place);
      case 'greater_than':
      case 'less_than':
        return Number.isFinite(check.value) ? false : this.#report('bound', place);
      case 'min_length':
      case 'max_length':
      case 'length_equals':
        return isCount(check.minimum ?? check.maximum ?? check.length) ? false : this.#report('bound', place);
      default:
        return false;
    }
  }

  #lintFormat({ format, pattern, position }: CheckDefinition, place: Place): boolean {
    if (FORMATS_BY_CODE.has(format) || pattern === undefined) {
      const reason = `'${format}' is checked by code, and a format alone demands nothing in JSON Schema`;
      return this.#reportWith('format', { ...REMEDIES.format, reason }, place);
    }
    if (position !== undefined) {
      return this.#report('position', place);
    }
    return !TEXT_FORMATS.has(format) && this.#lintPattern(pattern, place);
  }

  #lintPattern(pattern: RegExp, place: Place): boolean {
    let excused = false;
    for (const [rule, remedy] of this.#linter.examinePattern(pattern)) {
      excused = this.#reportWith(rule, remedy, place) || excused;
    }
    return excused;
  }

  #reportUnknown(name: string, place: Place): boolean {
    if (isFixedRule(name)) {
      return this.#report(name, place);
    }
    const reason = `bullmq-bridge does not know how to carry zod's '${name}'`;
    return this.#reportWith(name, { reason, wayOut: 'a schema made of other parts' }, place);
  }

  #report(rule: keyof typeof REMEDIES, place: Place): boolean {
    return this.#reportWith(rule, REMEDIES[rule], place);
  }

  /** Records a finding, unless it is excused. Returns whether it is. */
  #reportWith(rule: string, remedy: Remedy, { path, excuse }: Place): boolean {
    if (excuse?.covers(rule)) {
      return true;
    }
    this.#linter.reportWith(path, rule, remedy);
    return false;
  }
}

/** A field of an object. */
function below({ path }: Place, key: string): Place {
  return { path: path === '' ? key : `${path}.${key}`, mayBeAbsent: true };
}

/** Whether zod would find something under the key of a field that is left out, and take it for the field. */
function isInherited(key: string, field: AnySchema): boolean {
  if (key === '__proto__') {
    return true;
  }
  const inherited: unknown = Reflect.get(Object.prototype, key);
  return inherited !== undefined && (field._zod.optin !== undefined || z.safeParse(field, inherited).success);
}

/** Whether zod accepts undefined without calling the schema optional: anything is, and undefined too. */
function mayBeMissed(schema: AnySchema): boolean {
  return schema._zod.optin === undefined && z.safeParse(schema, undefined).success;
}

function areKeys(schema: AnySchema): boolean {
  const definition = definitionOf(schema);
  return KEY_TYPES.has(definition.type) && (definition.type !== 'union' || definition.options.every(areKeys));
}

function isJsonScalar(value: unknown): boolean {
  return value === null || ['string', 'boolean'].includes(typeof value) || Number.isFinite(value);
}

/** Of fractions, and of floats beyond 2^53, remainders differ between validators. */
function isSafeStep(step: unknown, schema: AnySchema): boolean {
  const whole = checksOf(schema).some(({ check, format }) => check === 'number_format' && format.includes('int'));
  return whole && Number.isSafeInteger(step) && step !== 0;
}

/** Up to where zod, which divides with a tolerance, tells multiples exactly. */
const LARGEST_EXACT_MULTIPLE = 2 ** 49;

function isBounded(schema: AnySchema): boolean {
  const checks = checksOf(schema);
  const isWithin = ({ value }: CheckDefinition) => Math.abs(Number(value)) <= LARGEST_EXACT_MULTIPLE;
  return ['greater_than', 'less_than'].every((side) =>
    checks.some((one) => (one.check === side && isWithin(one)) || /^u?int32$/.test(one.format)),
  );
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function throws(action: () => unknown): boolean {
  try {
    action();
    return false;
  } catch {
    return true;
  }
}
