import type { Json } from '../canonical.js';
import { type ClassNames, fieldName } from './names.js';
import { docstring } from './text.js';
import {
  isNone,
  namesIn,
  type PythonClass,
  type PythonField,
  type PythonType,
  printType,
  printValue,
  unionOf,
} from './types.js';

/** Names that a field of a written dataclass cannot have, for the class needs them itself. */
const RESERVED = new Set(['from_json', 'to_json', 'self', 'cls', 'field', 'classmethod']);

/** A field with its name, and with how it is read and written. */
interface NamedField extends PythonField {
  readonly name: string;
  /** The default that is written; undefined for a field that must be given. */
  readonly initial: string | undefined;
}

/**
 * Writes an object as a frozen dataclass that reads itself from JSON and writes itself as JSON.
 *
 * @param isDataclass - whether a name is that of another such class.
 * @param isPlain - whether a name is that of an alias without any class in it.
 */
export function renderDataclass(
  { name, doc, fields }: PythonClass,
  names: ClassNames,
  isDataclass: (name: string) => boolean,
  isPlain: (name: string) => boolean,
): string[] {
  const named = nameFields(fields, names, isPlain);
  return [
    '@dataclass(frozen=True, kw_only=True)',
    `class ${name}:`,
    ...docstring(doc, '    '),
    '',
    ...named.flatMap((field) => [
      `    ${field.name}: ${printType(fieldType(field))}${field.initial === undefined ? '' : ` = ${field.initial}`}`,
      ...(field.doc === '' ? [] : docstring(field.doc, '    ')),
    ]),
    '',
    '    @classmethod',
    `    def from_json(cls, value: Mapping[str, Any]) -> ${name}:`,
    '        """Read what the contract has let through; keys that it does not name are dropped."""',
    '        return cls(',
    ...named.map((field) => `            ${field.name}=${reading(field, isDataclass)},`),
    '        )',
    '',
    '    def to_json(self) -> dict[str, Any]:',
    '        """Write the object as JSON; what is None and may be left out is left out."""',
    '        value: dict[str, Any] = {',
    ...named
      .filter(isAlwaysWritten)
      .map((field) => `            ${JSON.stringify(field.key)}: ${writing(field, isDataclass)},`),
    '        }',
    ...named
      .filter((field) => !isAlwaysWritten(field))
      .flatMap((field) => [
        `        if self.${field.name} is not None:`,
        `            value[${JSON.stringify(field.key)}] = ${writing(field, isDataclass)}`,
      ]),
    '        return value',
  ];
}

/** Whether a type can be read and written without knowing which of several objects a value is. */
export function isConvertible(type: PythonType): boolean {
  return type.kind !== 'union' || type.options.filter((option) => !isNone(option)).length < 2;
}

function nameFields(
  fields: readonly PythonField[],
  names: ClassNames,
  isPlain: (name: string) => boolean,
): NamedField[] {
  const used = new Set<string>();
  return fields.map((field) => {
    let name = fieldName(field.key);
    while (RESERVED.has(name) || names.isUsed(name) || used.has(name)) {
      name += '_';
    }
    used.add(name);
    return { ...field, name, initial: initialOf(field, isPlain) };
  });
}

function initialOf(
  { required, default: standsFor, type }: PythonField,
  isPlain: (name: string) => boolean,
): string | undefined {
  if (required) {
    return undefined;
  }
  if (standsFor === undefined || mentionsClass(type, isPlain)) {
    return 'None';
  }
  return typeof standsFor === 'object' && standsFor !== null
    ? `field(default_factory=lambda: ${printValue(standsFor)})`
    : printValue(standsFor);
}

function mentionsClass(type: PythonType, isPlain: (name: string) => boolean): boolean {
  switch (type.kind) {
    case 'named':
      return !isPlain(type.name);
    case 'list':
      return mentionsClass(type.item, isPlain);
    case 'dict':
      return mentionsClass(type.value, isPlain);
    case 'union':
      return type.options.some((option) => mentionsClass(option, isPlain));
    default:
      return false;
  }
}

function fieldType(field: NamedField): PythonType {
  return field.initial === 'None' ? unionOf([field.type, { kind: 'plain', text: 'None' }]) : field.type;
}

/** A field that stands for something when it is left out is written with it. */
function isAlwaysWritten({ required, initial }: NamedField): boolean {
  return required || initial !== 'None';
}

function reading(field: NamedField, isDataclass: (name: string) => boolean): string {
  const key = JSON.stringify(field.key);
  if (field.required) {
    const from = `value[${key}]`;
    return convert(field.type, from, 'from_json', isDataclass) ?? from;
  }
  if (field.initial !== 'None') {
    return `value.get(${key}, ${printValue(field.default as Json)})`;
  }
  const some = convert(withoutNone(field.type), `value[${key}]`, 'from_json', isDataclass);
  const read = `value.get(${key})`;
  return some === undefined ? read : `None if ${read} is None else ${some}`;
}

function writing(field: NamedField, isDataclass: (name: string) => boolean): string {
  const from = `self.${field.name}`;
  // Where it is None, it is not written at all.
  const type = field.required ? field.type : withoutNone(field.type);
  return convert(type, from, 'to_json', isDataclass) ?? from;
}

function withoutNone(type: PythonType): PythonType {
  return type.kind === 'union' ? unionOf(type.options.filter((option) => !isNone(option))) : type;
}

/** The expression that turns JSON into dataclasses or back; undefined where nothing has to be turned. */
function convert(
  type: PythonType,
  from: string,
  method: 'from_json' | 'to_json',
  isDataclass: (name: string) => boolean,
  depth = 0,
): string | undefined {
  const item = depth === 0 ? 'item' : `item${depth + 1}`;
  const key = depth === 0 ? 'key' : `key${depth + 1}`;
  switch (type.kind) {
    case 'named':
      if (!isDataclass(type.name)) return undefined;
      return method === 'from_json' ? `${type.name}.from_json(${from})` : `${from}.to_json()`;
    case 'list': {
      const each = convert(type.item, item, method, isDataclass, depth + 1);
      return each === undefined ? undefined : `[${each} for ${item} in ${from}]`;
    }
    case 'dict': {
      const each = convert(type.value, item, method, isDataclass, depth + 1);
      return each === undefined ? undefined : `{${key}: ${each} for ${key}, ${item} in ${from}.items()}`;
    }
    case 'union': {
      if (!isConvertible(type)) return undefined;
      const some = convert(withoutNone(type), from, method, isDataclass, depth);
      return some === undefined ? undefined : `None if ${from} is None else ${some}`;
    }
    default:
      return undefined;
  }
}

/**
 * The names of classes that stay TypedDicts: those that a value may be one of several of or that have further keys, and all
 * that these hold.
 */
export function unconvertible(classes: readonly PythonClass[], outside: readonly PythonType[]): Set<string> {
  const byName = new Map(classes.map((one) => [one.name, one]));
  const kept = new Set<string>();
  const keep = (name: string): void => {
    if (kept.has(name)) return;
    kept.add(name);
    for (const field of byName.get(name)?.fields ?? []) {
      namesIn(field.type).forEach(keep);
    }
  };
  const keepAmbiguous = (type: PythonType): void => {
    if (!isConvertible(type)) {
      namesIn(type).forEach(keep);
    } else if (type.kind === 'list') {
      keepAmbiguous(type.item);
    } else if (type.kind === 'dict') {
      keepAmbiguous(type.value);
    } else if (type.kind === 'union') {
      type.options.forEach(keepAmbiguous);
    }
  };
  for (const field of classes.flatMap(({ fields }) => fields)) {
    keepAmbiguous(field.type);
  }
  for (const { name } of classes.filter(({ isOpen }) => isOpen)) {
    keep(name);
  }
  for (const type of outside) {
    namesIn(type).forEach(keep);
  }
  return kept;
}
