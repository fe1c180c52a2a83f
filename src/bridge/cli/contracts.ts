import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type NamespacedUnregister, register } from 'tsx/esm/api';
import { ContractDefinitionError } from '../contract/error.js';
import { isQueueContract, type QueueContract } from '../contract/queue.js';
import { CliError } from './error.js';

/** A contract and the file that exports it, relative to the project. */
export interface FoundContract {
  readonly contract: QueueContract;
  readonly file: string;
}

const MODULE = /\.[cm]?[jt]s$/;
const NOT_A_CONTRACT = /\.(?:test|spec|d)\.[cm]?[jt]s$/;

/**
 * Imports every module in a folder (or the one file) and collects the contracts that they export, sorted by queue.
 *
 * @throws {@link CliError} when there is nothing to import, nothing exported, or a queue is defined twice.
 */
export async function findContracts(projectFolder: string, path: string): Promise<FoundContract[]> {
  if (!existsSync(path)) {
    throw new CliError(`There are no contracts at ${path}. Create it, or say where they are: --contracts PATH`);
  }
  const found = new Map<string, FoundContract>();
  // A namespace of its own also reads TypeScript where package.json says CommonJS, which a plain import does not; one for
  // all modules, so that what one exports again is the same object.
  const loader = register({ namespace: 'bullmq-bridge-contracts' });
  try {
    for (const module of modulesAt(path)) {
      const file = relative(projectFolder, module);
      for (const value of Object.values(await importModule(loader, module, file))) {
        if (isQueueContract(value)) {
          addContract(found, { contract: value, file });
        }
      }
    }
  } finally {
    await loader.unregister();
  }
  if (found.size === 0) {
    throw new CliError(`No module in ${path} exports a contract. Export what defineQueue(…) returns.`);
  }
  return [...found.values()].sort((a, b) => (a.contract.name < b.contract.name ? -1 : 1));
}

function modulesAt(path: string): string[] {
  if (statSync(path).isFile()) {
    return [path];
  }
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => MODULE.test(name) && !NOT_A_CONTRACT.test(name) && !name.split(sep).includes('node_modules'))
    .sort()
    .map((name) => join(path, name));
}

async function importModule(loader: NamespacedUnregister, module: string, file: string): Promise<object> {
  try {
    return (await loader.import(pathToFileURL(module).href, import.meta.url)) as object;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    // By name, for the module may bring its own copy of the class.
    if (cause instanceof Error && cause.name === 'ContractDefinitionError') {
      throw new ContractDefinitionError(`${file}: ${reason}`, { cause });
    }
    throw new CliError(`${file} cannot be imported: ${reason}`, { cause });
  }
}

function addContract(found: Map<string, FoundContract>, next: FoundContract): void {
  const known = found.get(next.contract.name);
  if (known !== undefined && known.contract !== next.contract) {
    throw new CliError(
      `Queue '${next.contract.name}' is defined twice: in ${known.file} and in ${next.file}. Merge the two.`,
    );
  }
  found.set(next.contract.name, known ?? next);
}
