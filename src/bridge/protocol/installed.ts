import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ProtocolError } from './error.js';

/** `<script>-<key count>.js` */
const SCRIPT_FILE = /^\w+-\d+\.js$/;

/** One Lua script as BullMQ publishes it: includes are already expanded. */
export interface BullmqScript {
  readonly name: string;
  /** How many of the arguments of EVALSHA are keys. */
  readonly keys: number;
  readonly content: string;
}

/** One version of BullMQ. */
export interface BullmqPackage {
  readonly version: string;
  readonly scripts: readonly BullmqScript[];
  /** BullMQ's own licence text, which has to travel with its scripts. */
  readonly license: string;
}

/**
 * Reads the scripts of a BullMQ.
 *
 * They are evaluated, never parsed: the sources are template literals with escapes, and Python has to send the same bytes
 * as Node or the two would not share one script on the server.
 *
 * @param folder - BullMQ's own folder, or one of a project, whose `node_modules` then decides which BullMQ is meant.
 * @throws {@link ProtocolError} when there is no BullMQ, or its package is not laid out as expected.
 */
export function readBullmq(folder: string): BullmqPackage {
  const require = createRequire(join(folder, 'package.json'));
  const root = isPackageOf(folder, 'bullmq') ? folder : packageRoot(require, folder);
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

  // By absolute path: should BullMQ ever get an `exports` map, the files stay reachable. One by one: the index of them
  // imports a dependency, which a package that was only unpacked does not have.
  const scripts = join(root, 'dist', 'cjs', 'scripts');
  if (!existsSync(scripts)) {
    throw new ProtocolError(
      `bullmq ${version} has no folder dist/cjs/scripts, so its Lua scripts cannot be read. ` +
        'Reinstall bullmq, or install a version that bullmq-bridge knows (5.58.0 up to 6.x).',
    );
  }
  return {
    version,
    scripts: readdirSync(scripts)
      .filter((file) => SCRIPT_FILE.test(file))
      .flatMap((file) => Object.values(require(join(scripts, file)) as Record<string, unknown>))
      .filter(isScript),
    license: readFileSync(join(root, 'LICENSE'), 'utf8').trim(),
  };
}

function packageRoot(require: NodeJS.Require, projectFolder: string): string {
  let entry: string;
  try {
    entry = require.resolve('bullmq');
  } catch (cause) {
    throw new ProtocolError(`bullmq is not installed in ${projectFolder}. Run: npm install bullmq`, { cause });
  }
  let folder = dirname(entry);
  while (!isPackageOf(folder, 'bullmq')) {
    const parent = dirname(folder);
    if (parent === folder) {
      throw new ProtocolError(`${entry} belongs to no package named bullmq. Reinstall bullmq.`);
    }
    folder = parent;
  }
  return folder;
}

function isPackageOf(folder: string, name: string): boolean {
  const file = join(folder, 'package.json');
  return existsSync(file) && (JSON.parse(readFileSync(file, 'utf8')) as { name?: string }).name === name;
}

function isScript(value: unknown): value is BullmqScript {
  const script = value as Partial<BullmqScript> | null;
  return typeof script?.name === 'string' && typeof script.content === 'string' && typeof script.keys === 'number';
}
