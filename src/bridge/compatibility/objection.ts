/** What about a schema stands in the way of a value. */
export type Facet =
  | 'type'
  | 'enum'
  | 'bounds'
  | 'pattern'
  | 'format'
  | 'required'
  | 'property'
  | 'union'
  | 'keyword'
  | 'never';

/** A place where a reader may refuse what a writer may write. */
export interface Objection {
  readonly facet: Facet;
  /** JSON pointer into the schema, going through references as if their targets stood there. */
  readonly pointer: string;
  /** Continues "the reader …". */
  readonly reason: string;
  /** Whether it is only not known that the reader accepts everything there. */
  readonly undecided: boolean;
}

/** A step further into a schema. */
export function pointerTo(pointer: string, ...steps: readonly (string | number)[]): string {
  return steps.reduce<string>(
    (text, step) => `${text}/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`,
    pointer,
  );
}
