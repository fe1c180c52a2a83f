import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { renderContracts } from '../../src/bridge/contract/document.js';
import { wireJobs } from '../../src/bridge/contract/wire.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Inside of the repository, so that the examples find its node_modules. */
const PROJECT = join(ROOT, '.cache', 'testing-examples');
/** The library as it is in the tree; test/readme tries it as it is packed. */
const LIBRARY: Readonly<Record<string, string>> = {
  'bullmq-bridge': join(ROOT, 'src/bridge/index.ts'),
  'bullmq-bridge/testing': join(ROOT, 'src/bridge/testing/index.ts'),
};

beforeAll(async () => {
  await rm(PROJECT, { recursive: true, force: true });
  const texts = await Promise.all(['README.md', 'docs/testing.md'].map((file) => readFile(join(ROOT, file), 'utf8')));
  for (const [path, code] of texts.flatMap(files)) {
    await mkdir(dirname(join(PROJECT, path)), { recursive: true });
    await writeFile(
      join(PROJECT, path),
      code.replace(/from '(bullmq-bridge[^']*)'/g, (_, name) => `from '${LIBRARY[name]}'`),
    );
  }
  const { invoices } = await import(pathToFileURL(join(PROJECT, 'src/jobs/invoices.ts')).href);
  await mkdir(join(PROJECT, 'schemas'));
  for (const [file, content] of renderContracts(new Map([[invoices.name, wireJobs(invoices)]]))) {
    await writeFile(join(PROJECT, 'schemas', file), content);
  }
});

afterAll(() => rm(PROJECT, { recursive: true, force: true }));

test('the example of a test in TypeScript passes', async () => {
  const { stdout } = await execa(process.execPath, ['--import', 'tsx', '--test', 'src/order.test.ts'], {
    cwd: PROJECT,
  });
  expect(stdout).toMatch(/pass 2\n/);
});

test('the example of a test in Python passes', async () => {
  const python = process.env.PYTHON ?? 'python3';
  const args = [
    '-m',
    'pytest',
    '-q',
    '-p',
    'no:cacheprovider',
    '--rootdir',
    PROJECT,
    '-c',
    '/dev/null',
    'test_worker.py',
  ];
  const { stdout } = await execa(python, args, { cwd: PROJECT });
  expect(stdout).toMatch(/3 passed/);
});

/** The code blocks whose file the sentence before names. */
function files(text: string): [path: string, code: string][] {
  const blocks = text.matchAll(/`([\w/.-]+\.(?:ts|py))`[^`]*?```(?:ts|python)\n([\s\S]*?)```/g);
  return [...blocks].map(([, path, code]) => [String(path), String(code)]);
}
