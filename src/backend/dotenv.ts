import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';

/** Reads the first `.env` found in `folders`; nothing when there is none. A `$` in a value means itself. */
export function readDotenv(folders: readonly string[]): Readonly<Record<string, string | undefined>> {
  for (const folder of folders) {
    const path = join(folder, '.env');
    if (existsSync(path)) return parseEnv(readFileSync(path, 'utf8')) as Record<string, string>;
  }
  return {};
}
