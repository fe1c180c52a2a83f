import type { Json } from '../contract/canonical.js';
import { seededRandom } from './random.js';
import { Sampler } from './sampler.js';
import type { SchemaDocument } from './schema-document.js';
import { ValueSet } from './value-set.js';

/** How many values are tried: more find hardly any more. */
const TRIES = 200;

/** Values that one version writes and another refuses, found by trying. */
export class Witnesses {
  readonly #writer: SchemaDocument;
  readonly #reader: SchemaDocument;
  /** From the shortest on. */
  #values: readonly Json[] | undefined;
  readonly #refusals = new Map<Json, readonly string[]>();

  constructor(writer: SchemaDocument, reader: SchemaDocument) {
    this.#writer = writer;
    this.#reader = reader;
  }

  /** The shortest value that is refused at a place of the schema; undefined when none was found. */
  at(pointer: string): Json | undefined {
    this.#values ??= this.#search();
    const place = placeOf(pointer);
    return this.#values.find((value) => this.#refusalsOf(value).some((refusal) => place.test(refusal)));
  }

  /** Where a value is refused. Asked only for as many as it takes: a union within a union takes long for large ones. */
  #refusalsOf(value: Json): readonly string[] {
    const isWritten = (): boolean => this.#writer.accepts([this.#writer.root], value);
    const refusals = this.#refusals.get(value) ?? (isWritten() ? this.#reader.refusals(value) : []);
    this.#refusals.set(value, refusals);
    return refusals;
  }

  #search(): Json[] {
    const set = ValueSet.of(this.#writer, true);
    // The same values each time, so that the same change has the same report.
    const sampler = new Sampler(seededRandom(1));
    const values = new Map<string, Json>();
    for (let tried = 0; tried < TRIES; tried += 1) {
      const value = sampler.sample(set);
      if (value !== undefined) {
        values.set(JSON.stringify(value), value);
      }
    }
    return [...values].sort(([a], [b]) => a.length - b.length).map(([, value]) => value);
  }
}

/** What a pointer into a schema matches among pointers into values: the place itself, and what is in it. */
function placeOf(pointer: string): RegExp {
  const steps = pointer.split('/').slice(1);
  let pattern = '';
  for (let at = 0; at < steps.length; at += 1) {
    switch (steps[at]) {
      case 'properties':
      case 'prefixItems':
        at += 1;
        pattern += `/${escaped(String(steps[at]))}`;
        break;
      case 'patternProperties':
        at += 1;
        pattern += '/[^/]*';
        break;
      case 'items':
      case 'additionalProperties':
        pattern += '/[^/]*';
        break;
      case 'anyOf':
      case 'oneOf':
        at += 1;
        break;
      default:
        break;
    }
  }
  return new RegExp(`^${pattern}(?:/|$)`);
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
