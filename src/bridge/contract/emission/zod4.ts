import * as z from 'zod';
import type { JsonSchema } from '../canonical.js';
import { TYPESCRIPT_ONLY_KEYWORD } from './exception.js';
import type { Linter } from './linter.js';
import type { CheckDefinition } from './zod4-definition.js';
import { lintZod4 } from './zod4-lint.js';

/** Emits a zod 4 schema as JSON Schema 2020-12, and reports to the linter what that cannot carry. */
export function emitZod4(schema: z.core.$ZodType, linter: Linter): JsonSchema {
  try {
    const admissions = lintZod4(schema, linter);
    return z.toJSONSchema(schema, {
      io: 'input',
      target: 'draft-2020-12',
      // The linter has reported what cannot be represented: all of it at once, and with the way out.
      unrepresentable: 'any',
      override: ({ zodSchema, jsonSchema }) => {
        const admission = admissions.get(zodSchema);
        if (admission !== undefined) {
          leaveOut(admission.unemitted, jsonSchema);
          jsonSchema[TYPESCRIPT_ONLY_KEYWORD] = [...admission.checks].join('; ');
        }
      },
    }) as JsonSchema;
  } catch (error) {
    // When two schemas share an id, zod emits nothing; the linter has said so better.
    if (linter.findings.length === 0) {
      linter.reportWith('', 'emission', {
        reason: `zod cannot emit it (${error instanceof Error ? error.message : String(error)})`,
        wayOut: 'a schema that zod can emit',
      });
    }
    return {};
  }
}

/** Takes out of an emitted schema what zod wrote for checks that JSON Schema does not carry. */
function leaveOut(checks: readonly CheckDefinition[], schema: z.core.JSONSchema.BaseSchema): void {
  const patterns = new Set(checks.map(({ pattern }) => pattern?.source));
  const steps = new Set(
    checks.filter(({ check }) => check === 'multiple_of').map(({ value }) => Math.abs(Number(value))),
  );
  const isLeftOut = (part: z.core.JSONSchema._JSONSchema): boolean =>
    typeof part === 'object' &&
    ((part.pattern !== undefined && patterns.has(part.pattern)) ||
      (part.multipleOf !== undefined && steps.has(part.multipleOf)));

  if (schema.pattern !== undefined && patterns.has(schema.pattern)) {
    delete schema.pattern;
  }
  if (schema.multipleOf !== undefined && steps.has(schema.multipleOf)) {
    delete schema.multipleOf;
  }
  if (schema.allOf?.some(isLeftOut)) {
    schema.allOf = schema.allOf.filter((part) => !isLeftOut(part));
    if (schema.allOf.length === 0) {
      delete schema.allOf;
    }
  }
}
