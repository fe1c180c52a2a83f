import type { ZodTypeAny } from 'zod/v3';
import { ignoreOverride, zodToJsonSchema } from 'zod-to-json-schema';
import type { Json, JsonSchema } from '../canonical.js';
import { typeScriptOnlyCheck } from '../typescript-only.js';
import { ComputedDefaults } from './computed-defaults.js';
import { TYPESCRIPT_ONLY_KEYWORD } from './exception.js';
import type { Linter } from './linter.js';
import type { FixedRule } from './remedies.js';
import { payloadPath } from './schema-path.js';
import { mapSchema } from './schema-walk.js';
import { corrected } from './zod3-correction.js';
import { isMissedIn, isStrict, type SomeCheck, type SomeDef } from './zod3-definition.js';

/** zod 3's type names that are refused, and the rule that says why. */
const REFUSED_TYPES: Readonly<Record<string, FixedRule>> = {
  ZodBigInt: 'bigint',
  ZodCatch: 'catch',
  ZodDate: 'date',
  ZodFunction: 'function',
  ZodMap: 'map',
  ZodNaN: 'nan',
  ZodPipeline: 'pipe',
  ZodPromise: 'promise',
  ZodSet: 'set',
  ZodSymbol: 'symbol',
  ZodUndefined: 'undefined',
  ZodVoid: 'void',
};

/** Types that the keys of a record may have. */
const KEY_TYPES = new Set(['ZodString', 'ZodEnum']);

/** Checks of a string that change it. */
const OVERWRITES = new Set(['trim', 'toLowerCase', 'toUpperCase']);

/** Checks of a string for a text in it. */
const TEXT_CHECKS = new Set(['startsWith', 'endsWith', 'includes']);

/** Formats of which zod-to-json-schema emits nothing that Python checks, or a pattern that is weaker than zod 3's own. */
const WEAK_FORMATS = new Set(['base64', 'jwt', 'cidr']);

/**
 * Emits a schema that is still written with zod 3, lifted from draft-07 to 2020-12.
 *
 * @returns the schema, and warnings that name what Python checks less strictly than zod 3 does.
 */
export function emitZod3(schema: ZodTypeAny, linter: Linter): { emitted: JsonSchema; warnings: string[] } {
  const lint = new Zod3Lint(linter);
  const draft7 = zodToJsonSchema(schema, {
    target: 'jsonSchema7',
    definitionPath: '$defs',
    pipeStrategy: 'input',
    // What zod-to-json-schema calls strict is what leaves objects open that merely strip unknown keys.
    removeAdditionalStrategy: 'strict',
    emailStrategy: 'pattern:zod',
    override: (def, refs, seen, forceResolution) => {
      lint.visit(def, payloadPath(refs.currentPath.slice(1)));
      return seen === undefined || forceResolution ? ignoreOverride : { $ref: referenceTo(seen.path) };
    },
    postProcess: (emitted, def: SomeDef) => {
      const check = typeScriptOnlyCheck(def);
      const schema = emitted && corrected(emitted, def);
      return check === undefined || schema === undefined ? schema : { ...schema, [TYPESCRIPT_ONLY_KEYWORD]: check };
    },
  });
  lint.finish();
  const emitted = lift(draft7 as JsonSchema);
  return {
    emitted: { ...emitted, $schema: 'https://json-schema.org/draft/2020-12/schema' },
    warnings: [
      'is written with zod 3, which counts the length of a string in UTF-16 units; Python counts characters',
      ...(lint.sawUnboundedInteger
        ? ['has integers without bounds; zod 3 takes those beyond 2^53, and Python does not; use .safe() as well']
        : []),
      ...[...new Set([...lint.weakFormats, ...formatsOf(emitted)])]
        .sort()
        .map(
          (format) => `has the format '${format}', which Python does not check as zod 3 does; use zod 4 or .regex()`,
        ),
    ],
  };
}

/** Reports what in a zod 3 schema JSON Schema cannot carry, while zod-to-json-schema goes through it. */
class Zod3Lint {
  readonly #linter: Linter;
  readonly #defaults = new ComputedDefaults();
  /** Formats whose emitted form is weaker than the format. */
  readonly weakFormats = new Set<string>();
  /** Set when an integer may be larger than JavaScript can hold. */
  sawUnboundedInteger = false;

  constructor(linter: Linter) {
    this.#linter = linter;
  }

  finish(): void {
    for (const path of this.#defaults.changed()) {
      this.#linter.report(path, 'computed-default');
    }
  }

  visit(def: SomeDef, path: string): void {
    if (def.typeName === undefined) {
      this.#linter.report(path, 'mixed-versions');
      return;
    }
    const refused = REFUSED_TYPES[def.typeName];
    if (refused !== undefined) {
      this.#linter.report(path, refused);
    }
    if (def.coerce === true) {
      this.#linter.report(path, 'coerce');
    }
    this.#lintEffect(def, path);
    this.#lintType(def, path);
    const checks = def.checks ?? [];
    for (const check of checks) {
      this.#lintCheck(check, def, path);
    }
    const isBounded = (kind: string) =>
      checks.some((check) => check.kind === kind && Math.abs(Number(check.value)) <= Number.MAX_SAFE_INTEGER);
    if (checks.some(({ kind }) => kind === 'int') && !(isBounded('min') && isBounded('max'))) {
      this.sawUnboundedInteger = true;
    }
  }

  #lintEffect(def: SomeDef, path: string): void {
    const check = typeScriptOnlyCheck(def);
    if (def.effect?.type === 'refinement') {
      if (check === undefined) {
        this.#linter.report(path, 'refine');
      } else {
        this.#linter.exceptions.push({ path, check });
      }
      return;
    }
    if (def.effect !== undefined) {
      this.#linter.report(path, def.effect.type);
    }
    if (check !== undefined) {
      this.#linter.report(path, 'needless-exception');
    }
  }

  #lintType(def: SomeDef, path: string): void {
    switch (def.typeName) {
      case 'ZodObject':
        for (const [key, field] of Object.entries(def.shape?.() ?? {})) {
          if (isInherited(key, field)) this.#linter.report(path === '' ? key : `${path}.${key}`, 'proto');
        }
        break;
      case 'ZodLiteral':
        if (!isJsonScalar(def.value)) this.#linter.report(path, 'literal');
        break;
      case 'ZodOptional':
        // In a list, undefined becomes null.
        if (path === '' || path.endsWith('[]')) this.#linter.report(path, 'optional');
        break;
      case 'ZodDefault': {
        const value = def.defaultValue?.();
        const { innerType } = def;
        this.#defaults.watch(
          {
            type: 'default',
            get defaultValue() {
              return def.defaultValue?.();
            },
          },
          path,
        );
        if (innerType?.safeParse(value).success === false) this.#linter.report(path, 'default');
        break;
      }
      case 'ZodRecord': {
        const key = def.keyType?._def as SomeDef | undefined;
        if (key !== undefined && KEY_TYPES.has(key.typeName ?? '')) {
          // zod-to-json-schema does not come by here itself.
          this.visit(key, `${path}.* (key)`);
        } else {
          // Of other keys it says nothing.
          this.#linter.report(path, 'record-key');
        }
        break;
      }
      case 'ZodIntersection':
        if ([def.left, def.right].some((side) => side !== undefined && isStrict(side))) {
          this.#linter.report(path, 'intersection');
        }
        break;
      case 'ZodUnion':
      case 'ZodDiscriminatedUnion':
        if (def.options?.length === 0) this.#linter.report(path, 'empty-union');
        if (def.options?.some((option) => isMissedIn(option, def))) this.#linter.report(path, 'discriminator');
        break;
      default:
        break;
    }
  }

  #lintCheck(check: SomeCheck, def: SomeDef, path: string): void {
    if (OVERWRITES.has(check.kind)) {
      this.#linter.report(path, 'overwrite');
    }
    if (check.position !== undefined) {
      this.#linter.report(path, 'position');
    } else if (TEXT_CHECKS.has(check.kind) && !isWrittenRightly(String(check.value))) {
      this.#linter.report(path, 'text');
    }
    if (check.kind === 'multipleOf') {
      const whole = def.checks?.some(({ kind }) => kind === 'int') && Number.isSafeInteger(check.value);
      if (!whole || Number(check.value) <= 0) this.#linter.report(path, 'multiple-of');
      if (def.checks?.some(({ kind, value }) => kind === check.kind && value !== check.value)) {
        this.#linter.report(path, 'several-steps');
      }
    }
    if (check.kind === 'ulid') {
      this.#linter.report(path, 'ulid');
    }
    if (WEAK_FORMATS.has(check.kind)) {
      this.weakFormats.add(check.kind);
    }
    if (check.regex !== undefined) {
      for (const [rule, remedy] of this.#linter.examinePattern(check.regex)) {
        this.#linter.reportWith(path, rule, remedy);
      }
    }
  }
}

/** zod-to-json-schema 3.25 escapes w and W, which makes classes of them, and halves of what is beyond U+FFFF. */
function isWrittenRightly(text: string): boolean {
  return !/[wW]|[^\x20-\x7e]/.test(text);
}

/** Whether zod would find something under the key of a field that is left out, and take it for the field. */
function isInherited(key: string, field: ZodTypeAny): boolean {
  if (key === '__proto__') {
    return true;
  }
  const inherited: unknown = Reflect.get(Object.prototype, key);
  return inherited !== undefined && (field.isOptional() || field.safeParse(inherited).success);
}

function isJsonScalar(value: unknown): boolean {
  return value === null || ['string', 'boolean'].includes(typeof value) || Number.isFinite(value);
}

/** A reference to where a schema was first used; keys may hold a `/`, and tuples have another keyword in 2020-12. */
function referenceTo(path: readonly string[]): string {
  const pointer = path.slice(1).map((segment, index, segments) => {
    const isKey = segments[index - 1] === 'properties' && segments[index - 2] !== 'properties';
    if (segment === 'items' && !isKey && /^\d+$/.test(segments[index + 1] ?? '')) {
      return 'prefixItems';
    }
    if (segment === 'additionalItems' && !isKey) {
      return 'items';
    }
    return encodeURIComponent(segment.replaceAll('~', '~0').replaceAll('/', '~1'));
  });
  return ['#', ...pointer].join('/');
}

/** Draft-07 to 2020-12: tuples changed their keywords, nothing else of what zod-to-json-schema writes did. */
function lift(schema: JsonSchema): JsonSchema {
  const lifted = Object.entries(schema).flatMap(([keyword, value]): [string, Json][] => {
    if (keyword === 'items' && Array.isArray(value)) {
      return [
        ['prefixItems', value.map(liftPart)],
        ['items', liftPart(schema.additionalItems ?? false)],
      ];
    }
    if (keyword === 'additionalItems') {
      return [];
    }
    if (keyword === 'properties' || keyword === '$defs') {
      return [
        [
          keyword,
          Object.fromEntries(Object.entries(value as JsonSchema).map(([name, part]) => [name, liftPart(part)])),
        ],
      ];
    }
    return [[keyword, DATA.has(keyword) ? value : liftPart(value)]];
  });
  return Object.fromEntries(lifted);
}

/** Keywords whose value is data, whatever it looks like. */
const DATA = new Set(['const', 'default', 'enum', 'required']);

function liftPart(part: Json): Json {
  if (Array.isArray(part)) {
    return part.map(liftPart);
  }
  return typeof part === 'object' && part !== null ? lift(part as JsonSchema) : part;
}

function formatsOf(schema: JsonSchema): string[] {
  const formats = new Set<string>();
  mapSchema(schema, (part) => {
    if (typeof part.format === 'string') {
      formats.add(part.format);
    }
    return part;
  });
  return [...formats].sort();
}
