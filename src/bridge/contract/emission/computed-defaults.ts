/** The part of a definition that has a default; zod calls a function behind it on every read. */
interface Defaulted {
  readonly type: string;
  readonly defaultValue: unknown;
}

/** Finds defaults that are computed, such as the time or a random id: what is emitted of them is true only once. */
export class ComputedDefaults {
  readonly #watched: { readonly path: string; readonly def: Defaulted; readonly seen: string }[] = [];

  /** Looks at the default of a definition, if it has one. */
  watch(def: Defaulted, path: string): void {
    if (def.type === 'default' || def.type === 'prefault') {
      this.#watched.push({ path, def, seen: textOf(def.defaultValue) });
    }
  }

  /** The paths of the defaults that are different by now. */
  changed(): string[] {
    if (this.#watched.length === 0) {
      return [];
    }
    // Long enough for a clock in milliseconds to move on.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
    return this.#watched.filter(({ def, seen }) => textOf(def.defaultValue) !== seen).map(({ path }) => path);
  }
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `${part}n` : part)) ?? 'undefined';
}
