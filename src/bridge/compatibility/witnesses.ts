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
  #found: { readonly value: Json; readonly refusals: readonly string[] }[] | undefined;

  constructor(writer: SchemaDocument, reader: SchemaDocument) {
    this.#writer = writer;
    this.#reader = reader;
  }

  /** The shortest value that is refused at a place of the schema; undefined when none was found. */
  at(pointer: string): Json | undefined {
    this.#found ??= this.#search();
    const place = placeOf(pointer);
    return this.#found.find(({ refusals }) => refusals.some((refusal) => place.test(refusal)))?.value;
  }

  #search() {
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
    return [...values]
      .sort(([a], [b]) => a.length - b.length)
      .filter(([, value]) => this.#writer.accepts([this.#writer.root], value))
      .map(([, value]) => ({ value, refusals: this.#reader.refusals(value) }))
      .filter(({ refusals }) => refusals.length > 0);
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
