import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { relative, resolve, sep } from 'node:path';
import { CONTRACT_FILE } from '../contract/document.js';
import { type EmittedQueues, parseEmitted } from '../contract/emitted.js';
import { CliError } from './error.js';
import { SchemasFolder } from './schemas-folder.js';

/**
 * The contracts of a schemas folder, or of the project's one as a commit of git has it.
 *
 * @param reference - a folder with a contract.json, or whatever git resolves to a commit: a branch, a tag, a hash.
 * @throws {@link CliError} when it is neither, or the contracts cannot be read.
 */
export function contractsAt(reference: string, projectFolder: string, schemas: string): EmittedQueues {
  const folder = resolve(projectFolder, reference);
  if (existsSync(resolve(folder, CONTRACT_FILE))) {
    return new SchemasFolder(folder, reference).emitted() ?? new Map();
  }
  if (existsSync(folder) && reference.includes(sep)) {
    throw new CliError(`${reference} has no ${CONTRACT_FILE}: name a folder that \`bullmq-bridge emit\` wrote.`);
  }
  return contractsOfCommit(reference, projectFolder, relative(projectFolder, schemas).replaceAll(sep, '/'));
}

function contractsOfCommit(reference: string, projectFolder: string, schemas: string): EmittedQueues {
  const git = (...args: string[]): string | undefined => {
    try {
      return execFileSync('git', args, { cwd: projectFolder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
        throw new CliError('git is not installed: name a folder with the emitted schemas instead.');
      }
      return undefined;
    }
  };
  const commit = git('rev-parse', '--verify', '--quiet', '--end-of-options', `${reference}^{commit}`)?.trim();
  if (commit === undefined) {
    throw new CliError(
      `--against ${reference}: there is no folder of that name with a ${CONTRACT_FILE}, and git knows no such commit. ` +
        'Name one of them, or redis. In CI, fetch the commit first: git fetch --depth=1 origin main',
    );
  }
  let emitted: EmittedQueues | undefined;
  try {
    emitted = parseEmitted((name) => git('show', `${commit}:./${schemas}/${name}`));
  } catch (cause) {
    throw new CliError(`${schemas} of ${reference} cannot be read: ${String(cause)}`, { cause });
  }
  if (emitted === undefined) {
    throw new CliError(`${reference} has no ${schemas}/${CONTRACT_FILE}: commit what \`bullmq-bridge emit\` writes.`);
  }
  return emitted;
}
