import { existsSync, readFileSync } from 'node:fs';
import { PYTHON_MARK } from '../contract/python/module.js';
import { CliError } from './error.js';
import { writeAtomically } from './file.js';

/**
 * Writes the Python module of the payloads.
 *
 * @param label - how messages call the file.
 * @throws {@link CliError} when the file is there and was written by hand.
 */
export function writePythonModule(path: string, label: string, content: string): void {
  if (existsSync(path) && !readFileSync(path, 'utf8').includes(PYTHON_MARK)) {
    throw new CliError(
      `${label} was not written by \`bullmq-bridge emit\` and is left alone. Name another file: --python FILE`,
    );
  }
  writeAtomically(path, content);
}
