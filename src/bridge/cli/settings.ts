import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PYTHON_TYPES, type PythonTypes } from '../contract/python/module.js';
import { CliError } from './error.js';

/** Where `emit` reads and writes, as absolute paths. */
export interface EmitSettings {
  /** Folder or file of the contracts. */
  readonly contracts: string;
  /** Folder of the emitted schemas. */
  readonly schemas: string;
  /** Folder of the BullMQ whose scripts go into the bundle, or of a project that has it installed. */
  readonly bullmq: string;
  /** File of the protocol bundle; undefined when the project wants none. */
  readonly bundle: string | undefined;
  /** File of the Python types; undefined when the project wants none. */
  readonly python: string | undefined;
  readonly pythonTypes: PythonTypes;
}

/** The same as given on the command line. */
export interface EmitFlags {
  readonly contracts?: string;
  readonly schemas?: string;
  readonly bullmq?: string;
  readonly bundle?: string;
  readonly python?: string;
  readonly pythonTypes?: string;
}

const PATHS = ['contracts', 'schemas', 'bullmq', 'bundle', 'python'] as const;
const KEYS: readonly string[] = [...PATHS, 'pythonTypes'];

/**
 * Settles where `emit` reads and writes: a flag, else the key "bullmq-bridge" of package.json, else the default.
 *
 * @param projectFolder - folder with the package.json; paths are relative to it.
 * @throws {@link CliError} when the package.json is damaged, or has a setting that there is not.
 */
export function resolveSettings(projectFolder: string, flags: EmitFlags): EmitSettings {
  const configured = readConfigured(projectFolder);
  const pick = (key: (typeof PATHS)[number]): string | undefined => {
    const path = flags[key] ?? configured[key];
    return path === undefined ? undefined : resolve(projectFolder, path);
  };
  return {
    contracts: pick('contracts') ?? resolve(projectFolder, 'src/jobs'),
    schemas: pick('schemas') ?? resolve(projectFolder, 'schemas'),
    bullmq: pick('bullmq') ?? projectFolder,
    bundle: pick('bundle'),
    python: pick('python'),
    pythonTypes: resolvePythonTypes(flags.pythonTypes ?? configured.pythonTypes ?? 'TypedDict'),
  };
}

function resolvePythonTypes(wanted: string): PythonTypes {
  const types = PYTHON_TYPES.find((known) => known === wanted);
  if (types === undefined) {
    throw new CliError(`Python types are ${PYTHON_TYPES.join(' or ')}, not ${JSON.stringify(wanted)}.`);
  }
  return types;
}

function readConfigured(projectFolder: string): EmitFlags {
  const file = join(projectFolder, 'package.json');
  if (!existsSync(file)) {
    return {};
  }
  const configured = parsePackage(file)?.['bullmq-bridge'] ?? {};
  if (typeof configured !== 'object' || Array.isArray(configured)) {
    throw new CliError(`package.json: "bullmq-bridge" has to be an object, not ${JSON.stringify(configured)}.`);
  }
  for (const [key, value] of Object.entries(configured)) {
    if (!KEYS.includes(key) || typeof value !== 'string') {
      throw new CliError(
        `package.json: "bullmq-bridge" may hold ${KEYS.map((known) => `"${known}"`).join(', ')}, each a text; ` +
          `"${key}": ${JSON.stringify(value)} is neither.`,
      );
    }
  }
  return configured as EmitFlags;
}

function parsePackage(file: string): Record<string, unknown> | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown> | null;
  } catch (cause) {
    throw new CliError(`${file} cannot be read: ${String(cause)}`, { cause });
  }
}
