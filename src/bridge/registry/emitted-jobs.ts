import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEmitted } from '../contract/emitted.js';
import { ContractDefinitionError } from '../contract/error.js';
import type { Announcement } from './announcement.js';

/**
 * What `emit` wrote about the jobs of a queue, for an announcement.
 *
 * @param folder - of the schemas, relative to the working directory.
 * @param fingerprints - by job, of the contract as it is in the code.
 * @throws ContractDefinitionError when the folder cannot be read, or was written for another version of the contract.
 */
export function emittedJobs(
  folder: string,
  queue: string,
  fingerprints: ReadonlyMap<string, string>,
): Announcement['jobs'] {
  const emitted = readFolder(folder)?.get(queue);
  return Object.fromEntries(
    [...fingerprints].map(([job, fingerprint]) => {
      const written = emitted?.get(job);
      if (written?.fingerprint !== fingerprint) {
        throw new ContractDefinitionError(
          `The queue '${queue}' cannot announce its contract: ${folder} ${written === undefined ? 'lacks' : 'has another version of'} ` +
            `job '${job}'. Run: npx bullmq-bridge emit`,
        );
      }
      return [job, { fingerprint, past: written.past ?? {} }];
    }),
  );
}

function readFolder(folder: string) {
  try {
    return parseEmitted((name) => {
      const file = join(folder, name);
      return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
    });
  } catch (cause) {
    throw new ContractDefinitionError(`${folder} cannot be read: ${String(cause)}. Run: npx bullmq-bridge emit`, {
      cause,
    });
  }
}
