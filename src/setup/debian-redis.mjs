import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { capture, captureOrFail } from './capture.mjs';
import { CACHE } from './place.mjs';
import { step } from './step.mjs';

/**
 * The Redis of Debian's package, unpacked into the cache and not installed.
 *
 * @returns {Promise<string | undefined>} absolute path of the program; undefined where there are no such packages
 */
export async function ensureDebianRedis() {
  const folder = join(CACHE, 'debian-redis');
  const program = join(folder, 'redis-server');
  if (existsSync(program)) return program;
  const { code, output } = await capture('apt-cache', ['depends', '--important', 'redis-tools']);
  if (code !== 0) return undefined;
  const libraries = [...output.matchAll(/ Depends: (\S+)/g)]
    .map((match) => String(match[1]))
    .filter((name) => name !== 'libc6');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await step("Downloading Debian's Redis", async () => {
    const remedy = 'are the packages of Debian within reach? It says:';
    await captureOrFail('apt-get', ['download', 'redis-server', 'redis-tools', ...libraries], { cwd: folder, remedy });
    for (const name of await readdir(folder)) {
      if (name.endsWith('.deb')) await captureOrFail('dpkg-deb', ['-x', name, '.'], { cwd: folder, remedy });
    }
    const shared = (await readdir(join(folder, 'usr', 'lib'))).filter((name) => name.endsWith('-linux-gnu'));
    const paths = shared.map((name) => join(folder, 'usr', 'lib', name)).join(':');
    const run = `LD_LIBRARY_PATH='${paths}' exec '${join(folder, 'usr', 'bin', 'redis-server')}' "$@"`;
    await writeFile(program, `#!/bin/sh\n${run}\n`);
    await chmod(program, 0o755);
  });
  return program;
}
