import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, sep } from 'node:path';
import { CONTRACT_FILE, type WireQueues } from '../contract/document.js';
import { type EmittedQueues, parseEmitted } from '../contract/emitted.js';
import { HISTORY_FOLDER, historyFile, type PastJob, parsePastJob, renderPastJob } from '../contract/history.js';
import { CliError } from './error.js';
import { writeAtomically } from './file.js';
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
    return this.#present().filter((version) => {
      const isCurrent = wanted.get(version.queue)?.get(version.job)?.fingerprint === version.fingerprint;
      return !isCurrent && this.#read(historyFile(version)) === undefined;
    });
  }

  /** The versions of jobs that are in the folder. One that is damaged is about to be replaced, and cannot be kept. */
  #present(): PastJob[] {
    try {
      const queues = parseEmitted((name) => this.#read(name)) ?? new Map();
      return [...queues].flatMap(([queue, jobs]) => [...jobs].map(([job, version]) => ({ queue, job, ...version })));
    } catch {
      return [];
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

interface EmittedDocument {
  readonly queues: Readonly<
    Record<string, { readonly jobs: Readonly<Record<string, { data: string; result: string }>> }>
  >;
}
