import type { Json, JsonSchema } from '../canonical.js';
import { isZod4, type Schema } from '../schema.js';
import type { TypeScriptOnlyCheck } from './exception.js';
import type { Finding } from './finding.js';
import { isDemanding } from './keywords.js';
import { Linter } from './linter.js';
import { portableSchema } from './portable.js';
import { emitZod3 } from './zod3.js';
import { emitZod4 } from './zod4.js';

/** A zod schema as JSON Schema 2020-12, with what is wrong with it. */
export interface Emission {
  readonly schema: JsonSchema;
  /** What JSON Schema cannot carry; a schema with findings must not be used. */
  readonly findings: readonly Finding[];
  /** What the author has admitted to be checked in TypeScript only. */
  readonly exceptions: readonly TypeScriptOnlyCheck[];
  /** What is carried more weakly than it is written. Each continues "the schema …". */
  readonly warnings: readonly string[];
  /** Whether parsed values have to be encoded again before they travel. */
  readonly hasCodec: boolean;
}

/** Emits the wire side of a zod schema: open objects, defaulted fields optional, codecs as what they encode to. */
export function emitSchema(schema: Schema): Emission {
  const linter = new Linter();
  const { emitted, warnings } = isZod4(schema)
    ? { emitted: emitZod4(schema, linter), warnings: [] }
    : emitZod3(schema, linter);
  const portable = portableSchema(emitted, linter);
  // Also what a converter returns for something that it does not understand.
  if (demandsNothing(portable) && linter.findings.length === 0) {
    linter.report('', 'empty');
  }
  return {
    schema: portable,
    findings: linter.findings,
    exceptions: linter.exceptions,
    warnings,
    hasCodec: linter.sawCodec,
  };
}

/** Whether a schema accepts everything: nothing in it demands, or what demands is an alternative to what does not. */
function demandsNothing(schema: JsonSchema, root = schema, seen = new Set<string>()): boolean {
  const isSilent = (part: Json): boolean =>
    part === true || (typeof part === 'object' && demandsNothing(part as JsonSchema, root, seen));
  return Object.entries(schema).every(([keyword, value]) => {
    switch (keyword) {
      case 'anyOf':
        return (value as readonly Json[]).some(isSilent);
      case 'allOf':
        return (value as readonly Json[]).every(isSilent);
      case '$ref': {
        const name = /^#\/\$defs\/([^/]+)$/.exec(String(value))?.[1];
        const definition = name === undefined || seen.has(name) ? undefined : (root.$defs as JsonSchema)[name];
        seen.add(String(name));
        return definition !== undefined && isSilent(definition);
      }
      default:
        return !isDemanding(keyword);
    }
  });
}
