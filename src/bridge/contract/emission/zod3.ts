import type { ZodTypeAny, ZodTypeDef } from 'zod/v3';
import { ignoreOverride, zodToJsonSchema } from 'zod-to-json-schema';
import type { Json, JsonSchema } from '../canonical.js';
import type { Linter } from './linter.js';
import type { FixedRule } from './remedies.js';
import { payloadPath } from './schema-path.js';
import { mapSchema } from './schema-walk.js';

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

/** Checks of a string that change it. */
const OVERWRITES = new Set(['trim', 'toLowerCase', 'toUpperCase']);

/**
 * Emits a schema that is still written with zod 3, lifted from draft-07 to 2020-12.
 *
 * @returns the schema, and warnings that name what Python checks less strictly than zod 3 does.
 */
export function emitZod3(schema: ZodTypeAny, linter: Linter): { emitted: JsonSchema; warnings: string[] } {
  const draft7 = zodToJsonSchema(schema, {
    target: 'jsonSchema7',
    definitionPath: '$defs',
    pipeStrategy: 'input',
    // What zod-to-json-schema calls strict is what leaves objects open that merely strip unknown keys.
    removeAdditionalStrategy: 'strict',
    emailStrategy: 'pattern:zod',
    override: (def, refs) => {
      lintNode(def, payloadPath(refs.currentPath.slice(1)), linter);
      return ignoreOverride;
    },
  });
  const emitted = lift(draft7 as JsonSchema);
  return {
    emitted: { ...emitted, $schema: 'https://json-schema.org/draft/2020-12/schema' },
    warnings: [
      'is written with zod 3, which counts the length of a string in UTF-16 units; Python counts characters',
      ...formatsOf(emitted).map(
        (format) => `has the format '${format}', which Python does not check; use zod 4 or .regex()`,
      ),
    ],
  };
}

/** The parts of zod 3's definitions that are looked at. */
interface SomeDef extends ZodTypeDef {
  readonly typeName?: string;
  readonly coerce?: boolean;
  readonly effect?: { readonly type: 'refinement' | 'transform' | 'preprocess' };
  readonly checks?: readonly { readonly kind: string; readonly regex?: RegExp; readonly value?: unknown }[];
}

function lintNode(def: SomeDef, path: string, linter: Linter): void {
  const refused = REFUSED_TYPES[def.typeName ?? ''];
  if (refused !== undefined) {
    linter.report(path, refused);
  }
  if (def.effect !== undefined) {
    linter.report(path, def.effect.type === 'refinement' ? 'refine' : def.effect.type);
  }
  if (def.coerce === true) {
    linter.report(path, 'coerce');
  }
  for (const check of def.checks ?? []) {
    if (OVERWRITES.has(check.kind)) {
      linter.report(path, 'overwrite');
    }
    if (check.kind === 'multipleOf' && !Number.isSafeInteger(check.value)) {
      linter.report(path, 'multiple-of');
    }
    if (check.regex !== undefined) {
      linter.notePattern(check.regex, path);
    }
  }
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
    if (keyword === '$ref') {
      return [[keyword, String(value).replace(/\/items\/(\d+)/g, '/prefixItems/$1')]];
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
