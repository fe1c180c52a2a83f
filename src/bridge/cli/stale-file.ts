import { existsSync, readFileSync } from 'node:fs';
import { createTwoFilesPatch } from 'diff';

/** An emitted file that is not what the contracts say. */
export interface StaleFile {
  readonly name: string;
  readonly kind: 'missing' | 'changed' | 'left over';
  /** From what is there to what should be, as a unified diff. */
  readonly diff: string;
}

/**
 * Compares a file with what it should hold.
 *
 * @param label - how the diff calls it.
 * @param wanted - undefined when there should be no such file.
 * @returns what is wrong; undefined when nothing is.
 */
export function compareFile(
  path: string,
  label: string,
  wanted: string | undefined,
): Omit<StaleFile, 'name'> | undefined {
  const present = existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  if (present === wanted) {
    return undefined;
  }
  const diff = createTwoFilesPatch(
    present === undefined ? '/dev/null' : `a/${label}`,
    wanted === undefined ? '/dev/null' : `b/${label}`,
    present ?? '',
    wanted ?? '',
  );
  const kind = present === undefined ? 'missing' : wanted === undefined ? 'left over' : 'changed';
  // Without the rule that the library puts above each file, the output is what `patch` and `git apply` read.
  return { kind, diff: diff.replace(/^=+\n/, '') };
}
