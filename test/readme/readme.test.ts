import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitFor } from '../support/wait-for.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const MODULES = join(ROOT, 'node_modules');
/** What of the project's `npm run test:matrix` replaces. */
const REPLACED: Readonly<Record<string, string | undefined>> = {
  bullmq: process.env.BULLMQ_FOLDER,
  ioredis: process.env.IOREDIS_FOLDER,
};

let readme: string;
let project: string;

/** A project of a user's: the README's files, and the library as `npm pack` makes it. */
beforeAll(async () => {
  readme = await readFile(join(ROOT, 'README.md'), 'utf8');
  project = await mkdtemp(join(tmpdir(), 'bullmq-bridge-readme-'));
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'invoices', type: 'module', private: true }));
  for (const [path, text] of files(readme)) {
    await mkdir(dirname(join(project, path)), { recursive: true });
    await writeFile(join(project, path), text);
  }
  await installLibrary(join(project, 'node_modules'));
});

afterAll(async () => {
  await rm(project, { recursive: true, force: true });
});

test('the example of the README does what the README says', async () => {
  const env = { REDIS_URL: process.env.REDIS_URL ?? '' };
  const [emit, start, enqueue] = commands(readme);
  await execa(String(emit?.command), { cwd: project, shell: true });
  const worker = execa(process.env.PYTHON ?? 'python3', String(start?.command).replace(' &', '').split(' ').slice(1), {
    cwd: project,
    env,
    all: true,
    reject: false,
  });
  try {
    let log = '';
    worker.all.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
    await waitFor('the worker to be ready', () => log.includes('is ready'), { state: () => log, timeoutMs: 20_000 });
    const { stdout } = await execa(String(enqueue?.command), { cwd: project, shell: true, env });
    expect(stdout).toBe(enqueue?.comment);
  } finally {
    worker.kill('SIGTERM');
    await worker;
    await removeKeys('bull:invoices:*');
  }
  expect((await worker).exitCode).toBe(0);
});

test('the package has the kit for tests', async () => {
  const code = "console.log(Object.keys(await import('bullmq-bridge/testing')).join(' '))";
  const { stdout } = await execa(process.execPath, ['--input-type=module', '-e', code], { cwd: project });
  expect(stdout).toBe('expectEnqueued fakeJobQueue');
});

test('every path that the README links exists', async () => {
  for (const [, path] of readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)) {
    await expect(readFile(join(ROOT, String(path)), 'utf8')).resolves.toBeTruthy();
  }
});

/** The code blocks whose file the sentence before names. */
function files(text: string): [string, string][] {
  const blocks = text.matchAll(/`([\w/.-]+\.(?:ts|py))`[^`]*?```(?:ts|python)\n([\s\S]*?)```/g);
  return [...blocks].map(([, path, code]) => [String(path), String(code)]);
}

/** The commands under "Together", with what their comments say they do or print. */
function commands(text: string): { command: string; comment: string | undefined }[] {
  const block = text.match(/Together:\n\n```sh\n([\s\S]*?)```/)?.[1] ?? '';
  return block
    .trim()
    .split('\n')
    .map((line) => {
      const [command = '', comment] = line.split(/\s+# /);
      return { command, comment };
    });
}

async function installLibrary(modules: string): Promise<void> {
  const packed = await mkdtemp(join(tmpdir(), 'bullmq-bridge-packed-'));
  try {
    for (const name of ['package.json', 'src', 'tsconfig.json', 'tsconfig.build.json', 'README.md', 'LICENSE']) {
      await cp(join(ROOT, name), join(packed, name), { recursive: true });
    }
    await symlink(MODULES, join(packed, 'node_modules'));
    await execa('npx', ['tsc', '-p', 'tsconfig.build.json'], { cwd: packed });
    const { stdout } = await execa('npm', ['pack', '--json', '--ignore-scripts'], { cwd: packed });
    const tarball = /"filename":\s*"([^"]+\.tgz)"/.exec(stdout)?.[1];
    const library = join(modules, 'bullmq-bridge');
    await mkdir(library, { recursive: true });
    await execa('tar', ['-xzf', join(packed, String(tarball)), '--strip-components=1', '-C', library]);
    await mkdir(join(modules, '.bin'));
    const cli = join(library, 'dist/bridge/cli/main.js');
    // As npm does when it installs a package.
    await chmod(cli, 0o755);
    await symlink(cli, join(modules, '.bin/bullmq-bridge'));
    await symlink(join(MODULES, '.bin/tsx'), join(modules, '.bin/tsx'));
    // What the library depends on lies beside it, as npm does it; a `node_modules` of its own would hide the project's BullMQ.
    for (const name of await readdir(MODULES)) {
      if (!name.startsWith('.')) await symlink(REPLACED[name] ?? join(MODULES, name), join(modules, name));
    }
  } finally {
    await rm(packed, { recursive: true, force: true });
  }
}

async function removeKeys(pattern: string): Promise<void> {
  const redis = new Redis(process.env.REDIS_URL ?? '');
  for await (const keys of redis.scanStream({ match: pattern })) {
    if (keys.length > 0) await redis.unlink(...keys);
  }
  redis.disconnect();
}
