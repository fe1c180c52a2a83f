import { styleText } from 'node:util';

/** Where a command writes. */
export interface Terminal {
  /** Writes a line of the answer itself (stdout). */
  print(line: string): void;
  /** Writes a line for the person in front of it (stderr). */
  complain(line: string): void;
  /** Paints a text, where the answer goes to a terminal. */
  paint(colour: 'red' | 'green' | 'yellow' | 'cyan', text: string): string;
}

/** The terminal of this process: colours only where stdout is one and NO_COLOR is unset. */
export function processTerminal(): Terminal {
  const colours = process.stdout.isTTY === true && !process.env.NO_COLOR;
  return {
    print: (line) => process.stdout.write(`${line}\n`),
    complain: (line) => process.stderr.write(`${line}\n`),
    paint: (colour, text) => (colours ? styleText(colour, text) : text),
  };
}
