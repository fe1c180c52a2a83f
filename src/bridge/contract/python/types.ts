import type { Json } from '../canonical.js';

/** A type as Python writes it. */
export type PythonType =
  | { readonly kind: 'plain'; readonly text: string }
  | { readonly kind: 'literal'; readonly values: readonly (string | number | boolean | null)[] }
  | { readonly kind: 'list'; readonly item: PythonType }
  | { readonly kind: 'dict'; readonly value: PythonType }
  | { readonly kind: 'union'; readonly options: readonly PythonType[] }
  | { readonly kind: 'named'; readonly name: string };

/** A field of a class. */
export interface PythonField {
  /** As it lies in JSON. */
  readonly key: string;
  readonly type: PythonType;
  readonly required: boolean;
  /** What stands for a field that is left out. */
  readonly default?: Json;
  readonly doc: string;
}

/** An object of a payload. */
export interface PythonClass {
  readonly kind: 'class';
  readonly name: string;
  readonly doc: string;
  readonly fields: readonly PythonField[];
  /** Whether it may have further keys, which a dataclass would lose. */
  readonly isOpen: boolean;
}

/** A payload, or a definition that several share, that is no object. */
export interface PythonAlias {
  readonly kind: 'alias';
  readonly name: string;
  readonly doc: string;
  readonly type: PythonType;
}

/** Something that a written module defines. */
export type PythonDefinition = PythonClass | PythonAlias;

/** The type that accepts anything. */
export const ANY: PythonType = { kind: 'plain', text: 'Any' };

const NONE: PythonType = { kind: 'plain', text: 'None' };

/** The union of some types, each once, with None at its end. */
export function unionOf(types: readonly PythonType[]): PythonType {
  const flat = types.flatMap((type) => (type.kind === 'union' ? type.options : [type]));
  const unique = [...new Map(flat.map((type) => [printType(type), type])).values()];
  if (unique.some((type) => type.kind === 'plain' && type.text === 'Any')) {
    return ANY;
  }
  const options = unique.filter((type) => !isNone(type));
  const all = options.length < unique.length ? [...options, NONE] : options;
  return all.length === 1 && all[0] !== undefined ? all[0] : { kind: 'union', options: all };
}

/** Whether a type is that of null. */
export function isNone(type: PythonType): boolean {
  return type.kind === 'plain' && type.text === 'None';
}

/** A type as it is written in an annotation. */
export function printType(type: PythonType): string {
  switch (type.kind) {
    case 'plain':
      return type.text;
    case 'literal':
      return `Literal[${type.values.map(printValue).join(', ')}]`;
    case 'list':
      return `list[${printType(type.item)}]`;
    case 'dict':
      return `dict[str, ${printType(type.value)}]`;
    case 'union':
      return type.options.map(printType).join(' | ');
    case 'named':
      return type.name;
  }
}

/** A JSON value as Python writes it. */
export function printValue(value: Json): string {
  if (value === null) {
    return 'None';
  }
  if (typeof value === 'boolean') {
    return value ? 'True' : 'False';
  }
  if (Array.isArray(value)) {
    return `[${value.map(printValue).join(', ')}]`;
  }
  if (typeof value === 'object') {
    return `{${Object.entries(value)
      .map(([key, part]) => `${JSON.stringify(key)}: ${printValue(part)}`)
      .join(', ')}}`;
  }
  return JSON.stringify(value);
}

/** The parts of a type that refer to something by name: classes of the module, and what it imports from `typing`. */
export function namesIn(type: PythonType): string[] {
  switch (type.kind) {
    case 'named':
      return [type.name];
    case 'plain':
      return [type.text];
    case 'literal':
      return ['Literal'];
    case 'list':
      return namesIn(type.item);
    case 'dict':
      return namesIn(type.value);
    case 'union':
      return type.options.flatMap(namesIn);
  }
}
