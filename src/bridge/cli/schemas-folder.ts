import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, sep } from 'node:path';
import type { JsonSchema } from '../contract/canonical.js';
import { CONTRACT_FILE, type WireQueues } from '../contract/document.js';
import { type EmittedQueues, parseEmitted } from '../contract/emitted.js';
import { HISTORY_FOLDER, historyFile, type PastJob, parsePastJob, renderPastJob } from '../contract/history.js';
import { CliError } from './error.js';
import { writeAtomically } from './file.js';
import { mergeSides, type Read } from './merge-sides.js';
import { compareFile, type StaleFile } from './stale-file.js';

/** The folder of emitted schemas. */
export class SchemasFolder {
  readonly #folder: string;
  /** How messages and diffs call the folder. */
  readonly #label: string;

  constructor(folder: string, label: string) {
    this.#folder = folder;
    this.#label = label;
  }

  /**
   * Makes the folder hold these files. Of others it removes only what an earlier `emit` wrote.
   *
   * @returns the names of the removed files.
   */
  write(files: ReadonlyMap<string, string>): string[] {
    const earlier = this.#emittedEarlier();
    for (const [name, content] of files) {
      writeAtomically(join(this.#folder, name), content);
    }
    const obsolete = this.#names().filter((name) => earlier.has(name) && !files.has(name));
    for (const name of obsolete) {
      rmSync(join(this.#folder, name));
    }
    return obsolete;
  }

  /**
   * The contracts that the folder holds now; undefined when it holds none.
   *
   * @throws {@link CliError} when a file is damaged.
   */
  emitted(): EmittedQueues | undefined {
    try {
      return parseEmitted((name) => this.#read(name));
    } catch (cause) {
      throw new CliError(`${this.#label} cannot be read: ${String(cause)}`, { cause });
    }
  }

  /**
   * Puts those versions of jobs into the history that are in the folder and are not wanted any more.
   *
   * @returns the names of the new files.
   * @throws {@link CliError} when such a version cannot be read.
   */
  keep(wanted: WireQueues): string[] {
    const versions = this.#replaced(wanted);
    for (const version of versions) {
      writeAtomically(join(this.#folder, historyFile(version)), renderPastJob(version));
    }
    return versions.map(historyFile);
  }

  /**
   * The history as it is after {@link keep}.
   *
   * @throws {@link CliError} when a file is damaged.
   */
  historyAfter(wanted: WireQueues): PastJob[] {
    return [...this.history(), ...this.#replaced(wanted)];
  }

  /**
   * The earlier versions of jobs, by file name.
   *
   * @throws {@link CliError} when a file is damaged.
   */
  history(): PastJob[] {
    const folder = join(this.#folder, HISTORY_FOLDER);
    const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')) : [];
    return names.sort().map((name) => {
      try {
        return parsePastJob(readFileSync(join(folder, name), 'utf8'));
      } catch (cause) {
        throw new CliError(`${this.#label}/${HISTORY_FOLDER}/${name} cannot be read: ${String(cause)}`, { cause });
      }
    });
  }

  /** Compares the folder with what it should hold. */
  compare(files: ReadonlyMap<string, string>): StaleFile[] {
    const names = new Set([...this.#names(), ...files.keys()]);
    return [...names].sort().flatMap((name) => this.#compareFile(name, files.get(name)));
  }

  #compareFile(name: string, wanted: string | undefined): StaleFile[] {
    const stale = compareFile(join(this.#folder, name), `${this.#label}/${name}`, wanted);
    return stale === undefined ? [] : [{ name, ...stale }];
  }

  /** The versions that are in the folder, are not wanted any more, and not in the history yet. */
  #replaced(wanted: WireQueues): PastJob[] {
    const isNew = (version: PastId) =>
      wanted.get(version.queue)?.get(version.job)?.fingerprint !== version.fingerprint &&
      this.#read(historyFile(version)) === undefined;
    try {
      return versionsIn((name) => this.#read(name), isNew);
    } catch (cause) {
      // In a merge, the versions are those of its two sides: either may have run.
      const versions = mergeSides(this.#folder).map((read) => versionsIn(read, isNew));
      if (versions.length === 0) {
        throw new CliError(
          `${this.#label} cannot be read: ${String(cause)}. It has versions that jobs in Redis may have been written with, ` +
            `and that the history would lose. Put back what was emitted (git checkout HEAD -- ${this.#label}; after a merge, ` +
            'that of each side, one after the other), and run emit again each time.',
          { cause },
        );
      }
      return [...new Map(versions.flat().map((version) => [historyFile(version), version])).values()];
    }
  }

  #read(name: string): string | undefined {
    const path = join(this.#folder, name);
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  }

  /** Every file in the folder, hidden ones and the history apart. */
  #names(): string[] {
    if (!existsSync(this.#folder)) {
      return [];
    }
    return readdirSync(this.#folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
      .map((entry) =>
        join(entry.parentPath, entry.name)
          .slice(this.#folder.length + 1)
          .replaceAll(sep, '/'),
      )
      .filter((name) => !name.startsWith(`${HISTORY_FOLDER}/`));
  }

  /** The files that the present contract.json names; empty when it cannot be read. */
  #emittedEarlier(): Set<string> {
    try {
      const document = JSON.parse(readFileSync(join(this.#folder, CONTRACT_FILE), 'utf8')) as EmittedDocument;
      const jobs = Object.values(document.queues).flatMap((queue) => Object.values(queue.jobs));
      return new Set(jobs.flatMap(({ data, result }) => [data, result]));
    } catch {
      return new Set();
    }
  }
}

/**
 * The versions of jobs that a schemas folder holds, of those that are asked for.
 *
 * @throws SyntaxError or TypeError when a file is damaged, or missing.
 */
function versionsIn(read: Read, isWanted: (version: PastId) => boolean): PastJob[] {
  const text = read(CONTRACT_FILE);
  const { queues } = text === undefined ? { queues: {} } : (JSON.parse(text) as EmittedDocument);
  const schema = (name: string): JsonSchema => {
    const file = read(name);
    if (file === undefined) {
      throw new TypeError(`${CONTRACT_FILE} names ${name}, which is missing`);
    }
    return JSON.parse(file) as JsonSchema;
  };
  return Object.entries(queues).flatMap(([queue, { jobs }]) =>
    Object.entries(jobs)
      .filter(([job, { fingerprint }]) => isWanted({ queue, job, fingerprint }))
      .map(([job, { fingerprint, data, result }]) => ({
        queue,
        job,
        fingerprint,
        data: schema(data),
        result: schema(result),
      })),
  );
}

type PastId = Pick<PastJob, 'queue' | 'job' | 'fingerprint'>;

interface EmittedDocument {
  readonly queues: Readonly<
    Record<string, { readonly jobs: Readonly<Record<string, { fingerprint: string; data: string; result: string }>> }>
  >;
}
