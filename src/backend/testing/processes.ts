import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

/** Starts a TypeScript file of this folder as a process of its own, with what the backend itself runs under. */
export function runScript(name: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const path = fileURLToPath(new URL(name, import.meta.url));
  return execa(process.execPath, ['--import', 'tsx', path, ...args], { env: environment });
}
