import * as z from 'zod';
import type { JsonSchema } from '../canonical.js';
import { ComputedDefaults } from './computed-defaults.js';
import type { Linter } from './linter.js';
import { isFixedRule } from './remedies.js';
import { payloadPath } from './schema-path.js';

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

/** Emits a zod 4 schema as JSON Schema 2020-12, and reports to the linter what that cannot carry. */
export function emitZod4(schema: z.core.$ZodType, linter: Linter): JsonSchema {
  const defaults = new ComputedDefaults();
  try {
    const emitted = z.toJSONSchema(schema, {
      io: 'input',
      target: 'draft-2020-12',
      // The linter reports what cannot be represented: all of it at once, and with the way out.
      unrepresentable: 'any',
      override: ({ zodSchema, path }) => {
        lintNode(zodSchema, payloadPath(path), linter);
        defaults.watch(defOf(zodSchema), payloadPath(path));
      },
    }) as JsonSchema;
    for (const path of defaults.changed()) {
      linter.report(path, 'computed-default');
    }
    return emitted;
  } catch (error) {
    linter.reportWith('', 'emission', {
      reason: `zod cannot emit it (${error instanceof Error ? error.message : String(error)})`,
      wayOut: 'a schema that zod can emit',
    });
    return {};
  }
}

/** The parts of zod's definitions that are looked at; which of them are there depends on `type` and `check`. */
interface SomeDef extends SomeCheck {
  readonly type: string;
  readonly coerce?: boolean;
  readonly checks?: readonly z.core.$ZodCheck[];
  readonly in: z.core.$ZodType;
  readonly out: z.core.$ZodType;
  readonly innerType: z.core.$ZodType;
  readonly defaultValue: unknown;
  readonly values: readonly unknown[];
}

interface SomeCheck {
  readonly check: string;
  readonly format: string;
  readonly pattern?: RegExp;
  readonly position?: number;
  readonly value?: unknown;
}

function lintNode(schema: z.core.$ZodType, path: string, linter: Linter): void {
  const def = defOf(schema);
  if (!CARRIED_TYPES.has(def.type)) {
    reportUnknown(def.type, path, linter);
  }
  if (def.coerce === true) {
    linter.report(path, 'coerce');
  }
  if (def.type === 'pipe') {
    lintPipe(schema, path, linter);
  }
  if (def.type === 'literal' && def.values.some((value) => value === undefined || typeof value === 'bigint')) {
    linter.report(path, 'literal');
  }
  // zod hands a default out unchecked; Python would refuse it when it does not fit.
  if (def.type === 'default' && !fits(def.innerType, def.defaultValue)) {
    linter.report(path, 'default');
  }
  // A format such as z.email() is its own first check; z.custom() is one too, and has been reported by its type.
  const own = schema._zod.traits.has('$ZodCheck') && def.type !== 'custom' ? [def] : [];
  for (const check of [...own, ...checksOf(def)]) {
    lintCheck(check, path, linter);
  }
}

function lintPipe(schema: z.core.$ZodType, path: string, linter: Linter): void {
  const { in: input, out: output } = defOf(schema);
  if (defOf(input).type === 'transform') {
    linter.report(path, 'preprocess');
  } else if (defOf(output).type === 'transform') {
    linter.report(path, 'transform');
  } else if (!schema._zod.traits.has('$ZodCodec')) {
    linter.report(path, 'pipe');
  } else {
    linter.sawCodec = true;
    if (checksOf(defOf(output)).length > 0) {
      linter.report(path, 'codec');
    }
  }
}

function lintCheck(check: SomeCheck, path: string, linter: Linter): void {
  if (check.check === 'custom') {
    linter.report(path, 'refine');
  } else if (!CARRIED_CHECKS.has(check.check)) {
    reportUnknown(check.check, path, linter);
  }
  if (check.check === 'multiple_of' && !Number.isSafeInteger(check.value)) {
    linter.report(path, 'multiple-of');
  }
  if (check.check === 'string_format') {
    lintFormat(check, path, linter);
  }
}

function lintFormat({ format, pattern, position }: SomeCheck, path: string, linter: Linter): void {
  if (FORMATS_BY_CODE.has(format) || pattern === undefined) {
    linter.reportWith(path, 'format', {
      reason: `'${format}' is checked by code, and a format alone demands nothing in JSON Schema`,
      wayOut: 'z.string().regex(…) with what has to hold',
    });
  } else if (position !== undefined) {
    linter.report(path, 'position');
  } else if (!TEXT_FORMATS.has(format)) {
    linter.notePattern(pattern, path);
  }
}

function reportUnknown(name: string, path: string, linter: Linter): void {
  if (isFixedRule(name)) {
    linter.report(path, name);
  } else {
    linter.reportWith(path, name, {
      reason: `bullmq-bridge does not know how to carry zod's '${name}'`,
      wayOut: 'a schema made of other parts',
    });
  }
}

function defOf(schema: z.core.$ZodType): SomeDef {
  return schema._zod.def as unknown as SomeDef;
}

function checksOf(def: SomeDef): SomeCheck[] {
  return (def.checks ?? []).map((check) => check._zod.def as unknown as SomeCheck);
}

function fits(schema: z.core.$ZodType, value: unknown): boolean {
  try {
    z.encode(schema, value);
    return true;
  } catch {
    return false;
  }
}
