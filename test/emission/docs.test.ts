import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { run } from '../../src/bridge/cli/program.js';
import { emitSchema } from '../../src/bridge/contract/emission/emission.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PYTHON = process.env.PYTHON ?? 'python3';

const text = await readFile(join(ROOT, 'docs/contracts.md'), 'utf8');

let project: string;
let complaints: string[];

/** A project of a user's, with the files of the page. */
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'bullmq-bridge-docs-'));
  await symlink(join(ROOT, 'node_modules'), join(project, 'node_modules'));
  await writeFile(join(project, 'package.json'), JSON.stringify({ type: 'module' }));
  for (const [, path = '', code = ''] of text.matchAll(
    /`([\w/.-]+\.(?:ts|py))`[^`]*?```(?:ts|python)\n([\s\S]*?)```/g,
  )) {
    await mkdir(dirname(join(project, path)), { recursive: true });
    await writeFile(
      join(project, path),
      code.replaceAll("'bullmq-bridge'", JSON.stringify(join(ROOT, 'src/bridge/index.ts'))),
    );
  }
  complaints = [];
  await emit('--python', 'payloads.py');
  complaints = [];
  await emit('--python', 'dataclass_payloads.py', '--python-types', 'dataclass');
});

afterAll(() => rm(project, { recursive: true, force: true }));

async function emit(...flags: string[]): Promise<void> {
  const complain = (line: string) => complaints.push(line);
  const code = await run(['emit', ...flags], project, { print: () => {}, complain, paint: (_, line) => line });
  expect(complaints.join('\n')).not.toContain('Instead:');
  expect(code).toBe(0);
}

describe('docs/contracts.md', () => {
  it('shows what emit says of its examples', () => {
    const shown = [...text.matchAll(/```text\n([\s\S]*?)```/g)].flatMap(([, block = '']) => block.trim().split('\n'));
    expect(complaints.toSorted()).toEqual(shown.toSorted());
  });

  const rows = [...text.matchAll(/^\| `(z\..*?)`(?: as [\w ]+)? \| .*? \| `(z\..*?)`(?:, [\w ]+)? \|$/gm)];
  it.each(rows.map(([, refused, instead]) => [refused, instead].map((code) => String(code).replaceAll('\\|', '|'))))(
    'refuses %s, and admits %s',
    (refused, instead) => {
      const isPayload = refused === 'z.any()';
      const findings = (code = '') => {
        const schema = new Function('z', `return ${code}`)(z) as z.ZodType;
        return emitSchema(isPayload ? schema : z.object({ field: schema })).findings;
      };
      expect(findings(refused)).toHaveLength(1);
      expect(findings(instead)).toEqual([]);
    },
  );

  it('has a table whose every row is tried', () => {
    const table = text.split('| refused | because | instead |')[1]?.split('\n\n')[0] ?? '';
    expect(rows).toHaveLength(table.trim().split('\n').length - 1);
  });

  it('has workers that mypy --strict accepts', async () => {
    const files = ['payloads.py', 'dataclass_payloads.py', 'worker.py', 'dataclass_worker.py'];
    const checked = await execa(PYTHON, ['-m', 'mypy', '--strict', '--follow-imports', 'silent', ...files], {
      cwd: project,
      env: { MYPYPATH: join(ROOT, 'python-client') },
      reject: false,
      all: true,
    });
    expect(checked.all).toContain('Success: no issues found in 4 source files');
  });
});
