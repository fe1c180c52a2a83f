/** Words of Python that cannot name anything. */
const KEYWORDS = new Set([
  ...['False', 'None', 'True', 'and', 'as', 'assert', 'async', 'await', 'break', 'class', 'continue', 'def', 'del'],
  ...['elif', 'else', 'except', 'finally', 'for', 'from', 'global', 'if', 'import', 'in', 'is', 'lambda', 'nonlocal'],
  ...['not', 'or', 'pass', 'raise', 'return', 'try', 'while', 'with', 'yield'],
]);

/** Names that the written module uses itself. A field of such a name would hide it from the fields after it. */
const TAKEN = [
  ...[
    'str',
    'int',
    'float',
    'bool',
    'list',
    'dict',
    'Any',
    'Literal',
    'Mapping',
    'NoReturn',
    'NotRequired',
    'TypeAlias',
  ],
  'TypedDict',
  ...['None', 'True', 'False'],
];

/** Hands out names of classes, each once. */
export class ClassNames {
  readonly #used = new Set(TAKEN);

  /** The name, with a number behind it when it is taken. */
  claim(name: string): string {
    let free = name;
    for (let number = 2; this.#used.has(free); number += 1) {
      free = `${name}${number}`;
    }
    this.#used.add(free);
    return free;
  }

  /** Whether a field of this name would hide a type from the fields after it. */
  isUsed(name: string): boolean {
    return this.#used.has(name);
  }
}

/** `process-file` as `ProcessFile`: a part of a class's name. */
export function pascalCase(text: string): string {
  const words = text.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  return words.map((word) => `${word[0]?.toUpperCase()}${word.slice(1)}`).join('');
}

/** Whether a key can be written as the name of a field; two underscores before it would mangle it. */
export function isFieldName(key: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(key) && !key.startsWith('__') && !KEYWORDS.has(key);
}

/** The name of a field for any key: what Python does not allow becomes `_`. */
export function fieldName(key: string): string {
  const name = key
    .replace(/[^A-Za-z0-9_]/g, '_')
    .replace(/^_*(?=\d)/, 'n')
    .replace(/^__+/, '_');
  return KEYWORDS.has(name) ? `${name}_` : name || '_';
}
