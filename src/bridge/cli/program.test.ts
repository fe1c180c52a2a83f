import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { defineQueue, job } from '../contract/queue.js';
import { run } from './program.js';

const LIBRARY = resolve('src/bridge/index.ts');

let project: string;
let printed: string;
let complained: string;

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'bullmq-bridge-'));
  symlinkSync(resolve('node_modules'), join(project, 'node_modules'));
  writeFile('package.json', JSON.stringify({ type: 'module' }));
});

afterEach(() => rmSync(project, { recursive: true }));

/** Runs the command in the project. */
async function cli(...args: string[]): Promise<number> {
  printed = '';
  complained = '';
  return run(args, project, {
    print: (line) => {
      printed += `${line}\n`;
    },
    complain: (line) => {
      complained += `${line}\n`;
    },
    paint: (_, text) => text,
  });
}

function writeFile(name: string, content: string): void {
  mkdirSync(dirname(join(project, name)), { recursive: true });
  writeFileSync(join(project, name), content);
}

function readFile(name: string): string {
  return readFileSync(join(project, name), 'utf8');
}

/** A module that exports the contract of one queue. A module is imported once a process, so each needs a new name. */
function writeContract(name: string, data: string, queue = 'mail', job = 'send'): void {
  writeFile(
    name,
    `import * as z from 'zod';
     import { defineQueue, job } from ${JSON.stringify(LIBRARY)};
     export const queue = defineQueue('${queue}', { '${job}': job({ data: ${data}, result: z.null() }) });`,
  );
}

describe('bullmq-bridge emit', () => {
  it('writes schemas, and no bundle unless one is wanted', async () => {
    writeContract('src/jobs/mail.ts', 'z.object({ to: z.email() })');
    expect(await cli('emit')).toBe(0);
    expect(readdirSync(join(project, 'schemas')).sort()).toEqual([
      'contract.json',
      'mail.send.data.json',
      'mail.send.result.json',
    ]);
    expect(readdirSync(project).sort()).toEqual(['node_modules', 'package.json', 'schemas', 'src']);
  });

  it('takes flags before package.json, and package.json before defaults', async () => {
    writeFile(
      'package.json',
      JSON.stringify({
        type: 'module',
        'bullmq-bridge': { contracts: 'queues', schemas: 'a', bundle: 'worker/b.json' },
      }),
    );
    writeContract('queues/mail.ts', 'z.object({})');
    expect(await cli('emit', '--out', 'z')).toBe(0);
    expect(existsSync(join(project, 'a'))).toBe(false);
    expect(existsSync(join(project, 'z/contract.json'))).toBe(true);
    expect(JSON.parse(readFile('worker/b.json'))).toMatchObject({ scripts: { moveToActive: { keys: 11 } } });
  });

  it('writes Python types where they are wanted, as the kind that is wanted', async () => {
    writeContract('src/jobs/mail.ts', 'z.object({ to: z.email() })');
    writeFile('package.json', JSON.stringify({ type: 'module', 'bullmq-bridge': { python: 'worker/payloads.py' } }));
    expect(await cli('emit')).toBe(0);
    expect(printed).toContain('Wrote worker/payloads.py.');
    expect(readFile('worker/payloads.py')).toContain('class SendData(TypedDict):');
    expect(await cli('emit', '--python', 'dc.py', '--python-types', 'dataclass')).toBe(0);
    expect(readFile('dc.py')).toContain('@dataclass(frozen=True, kw_only=True)\nclass SendData:');
  });

  it('leaves a Python file alone that it did not write', async () => {
    writeContract('src/jobs/mail.ts', 'z.object({ to: z.email() })');
    writeFile('worker.py', 'print("mine")');
    expect(await cli('emit', '--python', 'worker.py')).toBe(2);
    expect(complained).toContain('worker.py was not written by `bullmq-bridge emit`');
    expect(readFile('worker.py')).toBe('print("mine")');
  });

  it('finds contracts in nested folders, and in JavaScript, and leaves tests alone', async () => {
    writeContract('src/jobs/deep/mail.mts', 'z.object({})');
    writeContract('src/jobs/other.js', 'z.object({})', 'other');
    writeContract('src/jobs/about_node_modules/third.ts', 'z.object({})', 'third');
    writeFile('src/jobs/node_modules/x/index.js', 'throw new Error("a package was imported")');
    writeFile('src/jobs/mail.test.ts', 'throw new Error("a test was imported")');
    writeFile('src/jobs/types.d.ts', 'export declare const x: number;');
    expect(await cli('emit')).toBe(0);
    expect(Object.keys(JSON.parse(readFile('schemas/contract.json')).queues)).toEqual(['mail', 'other', 'third']);
  });

  it('reads TypeScript in a project whose package.json says CommonJS', async () => {
    writeFile('package.json', '{}');
    // Handed over by a global: CommonJS cannot import the library's own sources, only what is built from them.
    Reflect.set(globalThis, 'contract', defineQueue('mail', { send: job({ data: z.object({}), result: z.null() }) }));
    writeFile('src/jobs/mail.ts', "export const queue: unknown = Reflect.get(globalThis, 'contract');");
    expect([await cli('emit'), complained]).toEqual([0, '']);
  });

  it('prints what is checked in TypeScript only', async () => {
    writeFile(
      'src/jobs/mail.ts',
      `import * as z from 'zod';
       import { checkedInTypeScriptOnly, defineQueue, job } from ${JSON.stringify(LIBRARY)};
       const iban = checkedInTypeScriptOnly(z.string().refine((text) => text !== ''), 'the checksum of the IBAN');
       export const queue = defineQueue('mail', { send: job({ data: z.object({ iban }), result: z.null() }) });`,
    );
    expect(await cli('emit')).toBe(0);
    expect(complained).toBe(
      "Checked in TypeScript only: queue 'mail', job 'send', data, at iban: the checksum of the IBAN\n",
    );
    expect(JSON.parse(readFile('schemas/mail.send.data.json')).properties).toEqual({
      iban: { type: 'string', 'x-checkedInTypeScriptOnly': 'the checksum of the IBAN' },
    });
  });

  it('removes the schemas of a job that is gone, and nothing that it did not write', async () => {
    writeContract('one/mail.ts', 'z.object({})', 'mail', 'send');
    await cli('emit', '--contracts', 'one');
    writeFile('schemas/README.md', 'mine');
    writeContract('two/mail.ts', 'z.object({})', 'mail', 'deliver');
    expect(await cli('emit', '--contracts', 'two')).toBe(0);
    expect(printed).toContain('Removed schemas/mail.send.data.json');
    expect(readdirSync(join(project, 'schemas')).sort()).toEqual([
      'README.md',
      'contract.json',
      'history',
      'mail.deliver.data.json',
      'mail.deliver.result.json',
    ]);
  });

  it('writes nothing when any contract is refused, and says where and why', async () => {
    writeContract('src/jobs/good.ts', 'z.object({})', 'good');
    writeContract('src/jobs/mail.ts', 'z.object({ at: z.date() })');
    expect(await cli('emit')).toBe(1);
    expect(complained).toContain("src/jobs/mail.ts: queue 'mail', job 'send', data, at at: JSON has no date. Instead:");
    expect(existsSync(join(project, 'schemas'))).toBe(false);
  });

  it('names the file of a contract that cannot be defined', async () => {
    writeContract('src/jobs/mail.ts', 'z.object({})', 'a:b');
    expect(await cli('emit')).toBe(1);
    expect(complained).toContain("src/jobs/mail.ts: The queue name 'a:b'");
  });

  it('refuses a queue that is defined twice', async () => {
    writeContract('src/jobs/a.ts', 'z.object({})');
    writeContract('src/jobs/b.ts', 'z.object({})');
    expect(await cli('emit')).toBe(2);
    expect(complained).toContain("Queue 'mail' is defined twice: in src/jobs/a.ts and in src/jobs/b.ts");
  });

  it('takes a contract that another module exports again', async () => {
    writeContract('src/jobs/mail.ts', 'z.object({})');
    writeFile('src/jobs/index.ts', "export * from './mail.js';");
    expect(await cli('emit')).toBe(0);
  });

  it('warns of what a zod 3 contract loses', async () => {
    writeFile(
      'src/jobs/old.ts',
      `import { z } from 'zod/v3';
       import { defineQueue, job } from ${JSON.stringify(LIBRARY)};
       export const old = defineQueue('old', { send: job({ data: z.object({ id: z.string().uuid() }), result: z.null() }) });`,
    );
    expect(await cli('emit')).toBe(0);
    expect(complained).toContain("Warning: The data schema of job 'send' of queue 'old' is written with zod 3");
    expect(complained).toContain("the format 'uuid'");
  });

  it.each<[string, string[], RegExp]>([
    ['an unknown flag', ['emit', '--nope'], /unknown option '--nope'/],
    ['an unknown command', ['emmit'], /unknown command 'emmit'/],
    ['no command', [], /Usage: bullmq-bridge/],
    ['contracts that are not there', ['emit', '--contracts', 'nowhere'], /There are no contracts at .*nowhere/],
    ['a folder without contracts', ['emit', '--contracts', 'empty'], /exports a contract/],
    ['a module that cannot be imported', ['emit', '--contracts', 'broken'], /broken\/a\.ts cannot be imported: boom/],
  ])('ends with 2 on %s', async (_, args, message) => {
    writeFile('empty/a.ts', 'export const nothing = 1;');
    writeFile('broken/a.ts', "throw new Error('boom');");
    expect(await cli(...args)).toBe(2);
    expect(complained).toMatch(message);
  });

  it('ends with 2 on Python types of a kind that it does not know', async () => {
    writeContract('src/jobs/mail.ts', 'z.object({})');
    expect(await cli('emit', '--python', 'a.py', '--python-types', 'pydantic')).toBe(2);
    expect(complained).toBe('Python types are TypedDict or dataclass, not "pydantic".\n');
  });

  it('ends with 2 on a setting that it does not know', async () => {
    writeFile('package.json', JSON.stringify({ 'bullmq-bridge': { out: 'schemas' } }));
    expect(await cli('emit')).toBe(2);
    expect(complained).toContain('"out": "schemas" is neither');
  });

  it.each([
    ['{', /package\.json cannot be read: SyntaxError/],
    ['{"bullmq-bridge": "x"}', /"bullmq-bridge" has to be an object, not "x"/],
    ['{"bullmq-bridge": []}', /"bullmq-bridge" has to be an object, not \[\]/],
    ['null', /There are no contracts at/],
  ])('ends with 2, and no stack, on a package.json that is %s', async (text, message) => {
    writeFile('package.json', text);
    expect(await cli('emit')).toBe(2);
    expect(complained).toMatch(message);
    expect(complained).not.toMatch(/^ +at /m);
  });

  it('shows help with examples, and ends with 0', async () => {
    expect(await cli('emit', '--help')).toBe(0);
    expect(printed).toContain('$ bullmq-bridge emit --check');
  });
});

describe('bullmq-bridge emit --check', () => {
  beforeEach(async () => {
    writeContract('src/jobs/mail.ts', 'z.object({ to: z.email() })');
    const settings = { bundle: 'bundle.json', python: 'payloads.py' };
    writeFile('package.json', JSON.stringify({ type: 'module', 'bullmq-bridge': settings }));
    await cli('emit');
  });

  it('ends with 0 when everything is up to date', async () => {
    expect(await cli('emit', '--check')).toBe(0);
    expect(printed).toBe('schemas and payloads.py are up to date.\n');
  });

  it('ends with 1 and a unified diff when a contract has changed, and writes nothing', async () => {
    cpSync(join(project, 'schemas'), join(project, 'before'), { recursive: true });
    writeContract('changed/mail.ts', 'z.object({ to: z.email(), cc: z.email().optional() })');
    expect(await cli('emit', '--check', '--contracts', 'changed')).toBe(1);
    expect(printed).toContain('--- a/schemas/mail.send.data.json\n+++ b/schemas/mail.send.data.json\n@@');
    expect(printed).toMatch(/^\+ {4}"cc": \{$/m);
    expect(complained).toContain('schemas/mail.send.data.json is changed');
    expect(complained).toContain('Run: bullmq-bridge emit');
    for (const name of readdirSync(join(project, 'before'))) {
      expect(readFile(`schemas/${name}`)).toBe(readFile(`before/${name}`));
    }
  });

  it.each<[string, () => void, string]>([
    [
      'a schema is missing',
      () => rmSync(join(project, 'schemas/mail.send.data.json')),
      'mail.send.data.json is missing',
    ],
    ['a file is left over', () => writeFile('schemas/old/a.json', '{}'), 'schemas/old/a.json is left over'],
    ['a schema was edited', () => writeFile('schemas/mail.send.data.json', '{}'), 'mail.send.data.json is changed'],
    ['the Python types are missing', () => rmSync(join(project, 'payloads.py')), 'payloads.py is missing'],
    ['the Python types are stale', () => writeFile('payloads.py', ''), 'payloads.py is changed'],
    ['the bundle is stale', () => writeFile('bundle.json', '{}'), 'bundle.json was made from another bullmq'],
  ])('ends with 1 when %s', async (_, spoil, message) => {
    spoil();
    expect(await cli('emit', '--check')).toBe(1);
    expect(complained).toContain(message);
  });

  it('does not miss a bundle that was never made: it is not committed', async () => {
    rmSync(join(project, 'bundle.json'));
    expect(await cli('emit', '--check')).toBe(0);
  });
});

describe('the program', () => {
  it('runs as a process, with answers on stdout, complaints on stderr, and no colours in a pipe', async () => {
    writeContract('src/jobs/mail.ts', 'z.object({})');
    const main = resolve('src/bridge/cli/main.ts');
    const tsx = resolve('node_modules/.bin/tsx');
    const { exitCode, stdout, stderr } = await execa(tsx, [main, 'emit', '--check'], { cwd: project, reject: false });
    expect(exitCode).toBe(1);
    expect(stdout).toContain('+++ b/schemas/contract.json');
    expect(stderr).toContain('schemas/contract.json is missing');
    expect(stdout + stderr).not.toContain('\u001b[');
  });
});
