import type { JsonSchema } from '../canonical.js';
import { isZod4, type Schema } from '../schema.js';
import type { Finding } from './finding.js';
import { Linter } from './linter.js';
import { portableSchema } from './portable.js';
import { emitZod3 } from './zod3.js';
import { emitZod4 } from './zod4.js';

/** A zod schema as JSON Schema 2020-12, with what is wrong with it. */
export interface Emission {
  readonly schema: JsonSchema;
  /** What JSON Schema cannot carry; a schema with findings must not be used. */
  readonly findings: readonly Finding[];
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
  return { schema: portable, findings: linter.findings, warnings, hasCodec: linter.sawCodec };
}

const SILENT_KEYWORDS = new Set(['$schema', '$id', '$comment', '$defs', 'title', 'description', 'default']);

function demandsNothing(schema: JsonSchema): boolean {
  return Object.keys(schema).every((keyword) => SILENT_KEYWORDS.has(keyword));
}
