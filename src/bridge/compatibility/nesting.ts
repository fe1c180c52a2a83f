import type { ValueSet } from './value-set.js';

/** How deep it is looked: what needs more counts as endless. */
const LIMIT = 32;

/** Says how deep values have to be nested, so that somebody who makes one of a recursive schema comes to an end. */
export class Nesting {
  readonly #known = new Map<string, boolean>();

  /** Those of some sets that have the flattest values. */
  flattest(sets: readonly ValueSet[]): readonly ValueSet[] {
    for (let depth = 0; depth < LIMIT; depth += 1) {
      const flat = sets.filter((set) => this.#fits(set, depth));
      if (flat.length > 0) {
        return flat;
      }
    }
    return sets;
  }

  /** Whether a value needs no more than so many steps into it; a union within a union is a step too. */
  #fits(set: ValueSet, depth: number): boolean {
    const key = `${depth} ${set.id}`;
    const known = this.#known.get(key);
    if (known !== undefined) {
      return known;
    }
    const fits = !set.isEmpty && this.#find(set, depth);
    this.#known.set(key, fits);
    return fits;
  }

  #find(set: ValueSet, depth: number): boolean {
    const inside = (next: ValueSet): boolean => depth > 0 && this.#fits(next, depth - 1);
    const listed = set.listed();
    if (listed !== undefined) {
      return listed.length > 0;
    }
    const branches = set.branches();
    if (branches !== undefined) {
      return branches.some(inside);
    }
    return set.types().some((type) => {
      if (type === 'object') {
        const object = set.ofType(type);
        return [...object.required()].every((name) => inside(object.property(name)));
      }
      return type !== 'array' || (set.greatest('minItems') ?? 0) === 0 || this.#fitsArray(set.ofType(type), inside);
    });
  }

  #fitsArray(array: ValueSet, inside: (next: ValueSet) => boolean): boolean {
    // From the end of the tuple on, elements are all alike.
    const different = Math.min(array.greatest('minItems') ?? 0, array.tupleLength + 1);
    return Array.from({ length: different }, (_, index) => array.element(index)).every(inside);
  }
}
