/** A value in the making: JSON, or text that stands in its place as it is, whether it is JSON or not. */
export type Draft = null | boolean | number | string | Verbatim | readonly Draft[] | { readonly [name: string]: Draft };

/** Text that is written as it stands. */
export class Verbatim {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** The text of a draft. */
export function write(draft: Draft): string {
  if (draft instanceof Verbatim) return draft.text;
  if (isList(draft)) return `[${draft.map(write).join(',')}]`;
  if (isObject(draft))
    return `{${Object.entries(draft)
      .map(([name, part]) => member(name, part))
      .join(',')}}`;
  return JSON.stringify(draft);
}

/** A name and its value, as they stand in an object. */
export function member(name: string, part: Draft): string {
  return `${JSON.stringify(name)}:${write(part)}`;
}

/** Whether a draft is a list. */
export function isList(draft: Draft): draft is readonly Draft[] {
  return Array.isArray(draft);
}

/** Whether a draft is an object. */
export function isObject(draft: Draft): draft is { readonly [name: string]: Draft } {
  return typeof draft === 'object' && draft !== null && !Array.isArray(draft) && !(draft instanceof Verbatim);
}
