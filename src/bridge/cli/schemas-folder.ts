import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, sep } from 'node:path';
import { CONTRACT_FILE } from '../contract/document.js';
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

  /** Compares the folder with what it should hold. */
  compare(files: ReadonlyMap<string, string>): StaleFile[] {
    const names = new Set([...this.#names(), ...files.keys()]);
    return [...names].sort().flatMap((name) => this.#compareFile(name, files.get(name)));
  }

  #compareFile(name: string, wanted: string | undefined): StaleFile[] {
    const stale = compareFile(join(this.#folder, name), `${this.#label}/${name}`, wanted);
    return stale === undefined ? [] : [{ name, ...stale }];
  }

  /** Every file in the folder, hidden ones apart. */
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
      );
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
