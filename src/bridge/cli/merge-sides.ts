import { execFileSync } from 'node:child_process';

/** What git calls the commit that comes in, while conflicts of a merge, a rebase, … are being resolved. */
const INCOMING = ['MERGE_HEAD', 'REBASE_HEAD', 'CHERRY_PICK_HEAD', 'REVERT_HEAD'];

/** Reads a file of a folder: its text, or undefined where there is none. */
export type Read = (name: string) => string | undefined;

/** A folder as the two sides of a merge have it that is not over; empty when there is none. */
export function mergeSides(folder: string): Read[] {
  const git = (...args: string[]): string | undefined => {
    try {
      return execFileSync('git', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    } catch {
      return undefined;
    }
  };
  const incoming = INCOMING.find((name) => git('rev-parse', '--verify', '--quiet', name) !== undefined);
  return incoming === undefined ? [] : ['HEAD', incoming].map((side) => (name) => git('show', `${side}:./${name}`));
}
