/** Columns that written lines keep to where they can: what formatters of Python agree on. */
export const WIDTH = 88;

/** A docstring as lines of code. */
export function docstring(text: string, indent: string): string[] {
  const escaped = printable(text).replaceAll('\\', '\\\\').replaceAll('"""', '\\"\\"\\"').replace(/"$/, '\\"');
  const lines = escaped
    .split('\n')
    .flatMap((line) => wrap(line.trim(), WIDTH - indent.length))
    .map((line) => (line === '' ? '' : `${indent}${line}`));
  const [first = ''] = lines;
  if (lines.length === 1 && first.length + 6 <= WIDTH) {
    return [`${indent}"""${first.trimStart()}"""`];
  }
  return [`${indent}"""${first.trimStart()}`, ...lines.slice(1), `${indent}"""`];
}

/** A comment as lines of code. */
export function comment(text: string, indent: string): string[] {
  return printable(text)
    .split('\n')
    .flatMap((line) => wrap(line.trim(), WIDTH - indent.length - 2).map((part) => `${indent}# ${part}`.trimEnd()));
}

/** A string literal, in the quotes that need fewer escapes. */
export function quoted(text: string): string {
  return text.includes('"') && !/['\\]/.test(text) ? `'${text}'` : JSON.stringify(text);
}

/** A text without control characters: Python reads no module with a NUL in it, and takes some for ends of lines. */
function printable(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(/[^\P{Cc}\n\t]/gu, '');
}

/** Breaks a line between words. The first has room for the quotes before it. */
function wrap(line: string, width: number): string[] {
  const lines: string[] = [];
  let current = '';
  for (const word of line.split(/\s+/)) {
    const room = lines.length === 0 ? width - 3 : width;
    if (current !== '' && current.length + 1 + word.length > room) {
      lines.push(current);
      current = word;
    } else {
      current = current === '' ? word : `${current} ${word}`;
    }
  }
  return [...lines, current];
}
