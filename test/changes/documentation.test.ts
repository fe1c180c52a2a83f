import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa, type ResultPromise } from 'execa';
import { expect, test, vi } from 'vitest';
import * as z from 'zod';
import { run } from '../../src/bridge/cli/program.js';
import { JOB_RULES, SCHEMA_RULES } from '../../src/bridge/compatibility/change.js';
import { defineQueue, JobQueue, job } from '../../src/bridge/index.js';
import { useSystem } from '../support/system.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TEXT = await readFile(join(ROOT, 'docs/changes.md'), 'utf8');

const system = useSystem();

test('the example does and prints what it says', async () => {
  const [first, second] = files('ts');
  const [worker] = files('python');
  const [check, annotate, emit, checkRedis] = commands();
  const project = await projectFolder();
  try {
    await write(project, first);
    expect(await printed(project, 'emit')).toBe('Wrote 3 files to schemas.\n');
    commit(project);
    // A module is imported once a process: the second one has another name.
    await rm(join(project, 'src'), { recursive: true });
    await write(project, second && { ...second, path: 'src/jobs/mail-2.ts' });
    expect(await printed(project, check?.command)).toBe(check?.output);
    expect(await printed(project, annotate?.command)).toBe(annotate?.output);
    expect(await printed(project, emit?.command)).toBe(emit?.output);

    const jobs = await addOldJobs();
    vi.stubEnv('REDIS_URL', system.url);
    expect(await printed(project, `${checkRedis?.command} --prefix ${system.prefix}`)).toBe(checkRedis?.output);

    // The keys of a test lie under a prefix of their own.
    const declared = worker?.content.replace('contract="schemas"', `contract="schemas", prefix="${system.prefix}"`);
    await write(project, worker && { ...worker, content: String(declared) });
    for (const each of jobs) await each.promote();
    await work(project);
    const done = await Promise.all(jobs.map(({ id }) => system.jobIn('completed', system.queue('mail'), id)));
    expect(done.map(({ returnvalue }) => returnvalue.message_id)).toEqual(['1.text@example.org', '2.html@example.org']);
  } finally {
    vi.unstubAllEnvs();
    await rm(project, { recursive: true });
  }
});

test('the table of rules names every rule', () => {
  const rows = TEXT.match(/\| rule \|.*?\n\n/s)?.[0] ?? '';
  const named = [...rows.matchAll(/`([a-z-]+)`/g)].map(([, rule]) => rule);
  expect(named.sort()).toEqual([...JOB_RULES, ...SCHEMA_RULES].sort());
});

test('the registry does and prints what it says', async () => {
  const [first, second, producer] = files('ts');
  const [worker] = files('python');
  const [announced, refused] = consoles(/(?:node|python) /);
  const project = await projectFolder();
  const running: ResultPromise[] = [];
  try {
    await symlink(join(ROOT, 'node_modules/ioredis'), join(project, 'node_modules/ioredis'));
    await write(project, first);
    await printed(project, 'emit');
    // The keys of a test lie under a prefix of their own.
    const prefixed = producer?.content.replace('{ connection,', `{ connection, prefix: '${system.prefix}',`);
    await write(project, producer && { ...producer, content: String(prefixed) });
    const env = { REDIS_URL: system.url };
    const tsx = import.meta.resolve('tsx');
    const old = execa(process.execPath, ['--import', tsx, 'src/mail-queue.ts'], { cwd: project, env, reject: false });
    running.push(old);
    const lines = String(await Promise.race([once(old.stdout, 'data'), old.then(({ stderr }) => stderr)]));
    expect(lines).toBe(announced?.output);

    await rm(join(project, 'src/jobs'), { recursive: true });
    await write(project, second && { ...second, path: 'src/jobs/mail-2.ts' });
    await printed(project, 'emit --contracts src/jobs');
    const declared = worker?.content
      .replace('contract="schemas"', `contract="schemas", prefix="${system.prefix}"`)
      .replace(/@worker.upcaster.*?\n\n\n/s, '');
    await write(project, worker && { ...worker, content: String(declared) });
    const args = (refused?.command ?? '').split(' ').slice(1);
    const { all, exitCode } = await execa(process.env.PYTHON ?? 'python3', args, {
      cwd: project,
      env,
      all: true,
      reject: false,
    });
    expect([exitCode, linesOf(all)]).toEqual([7, linesOf(refused?.output)]);
  } finally {
    for (const each of running) each.kill('SIGKILL');
    await Promise.all(running);
    await rm(project, { recursive: true });
  }
});

/** What is printed, without what differs from one time and process to the next. */
function linesOf(text: string | undefined): string[] {
  return String(text)
    .replace(/^\S+ \S+ CRITICAL/m, 'CRITICAL')
    .replace(/^Producer .*/m, 'Producer')
    .trim()
    .split('\n');
}

interface File {
  readonly path: string;
  readonly content: string;
}

/** The code blocks of a language, each with the file that the text before it has named last. */
function files(language: string): File[] {
  const blocks = TEXT.matchAll(
    new RegExp(`\`([\\w/.-]+\\.${language === 'ts' ? 'ts' : 'py'})\`[^\`]*\`\`\`${language}\\n(.*?)\`\`\``, 'gs'),
  );
  return [...blocks].map(([, path, content]) => ({ path: String(path), content: String(content) }));
}

/** The commands of the library's own program, and what they print. */
function commands(): { command: string; output: string }[] {
  const program = 'npx bullmq-bridge ';
  return consoles(new RegExp(program)).map(({ command, output }) => ({
    command: command.slice(program.length),
    output,
  }));
}

/** The commands of the console blocks that begin with something, and what they print. */
function consoles(beginning: RegExp): { command: string; output: string }[] {
  const blocks = TEXT.matchAll(new RegExp(`\`\`\`console\\n\\$ (${beginning.source}[^\\n]*)\\n(.*?)\`\`\``, 'gs'));
  return [...blocks].map(([, command, output]) => ({ command: String(command), output: String(output) }));
}

/** A project of a user's, with the library in it. */
async function projectFolder(): Promise<string> {
  const project = await mkdtemp(join(tmpdir(), 'bullmq-bridge-changes-'));
  const library = join(project, 'node_modules/bullmq-bridge');
  await mkdir(library, { recursive: true });
  await writeFile(join(project, 'package.json'), JSON.stringify({ type: 'module' }));
  await writeFile(join(library, 'package.json'), JSON.stringify({ type: 'module', exports: './index.ts' }));
  await writeFile(join(library, 'index.ts'), `export * from ${JSON.stringify(join(ROOT, 'src/bridge/index.ts'))};`);
  await symlink(join(ROOT, 'node_modules/zod'), join(project, 'node_modules/zod'));
  return project;
}

async function write(project: string, file: File | undefined): Promise<void> {
  const path = join(project, String(file?.path));
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, String(file?.content));
}

async function printed(project: string, command: string | undefined): Promise<string> {
  let text = '';
  const print = (line: string) => {
    text += `${line}\n`;
  };
  await run(String(command).split(' '), project, { print, complain: print, paint: (_, line) => line });
  return text;
}

function commit(project: string): void {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: project, stdio: 'pipe' });
  git('init', '--quiet', '--initial-branch=main');
  git('add', 'schemas', 'src');
  git('-c', 'user.name=Ann', '-c', 'user.email=ann@example.org', 'commit', '--quiet', '--message', 'mail');
}

/** What a producer of the old version has left. */
async function addOldJobs() {
  const contract = defineQueue('mail', {
    send: job({
      data: z.object({ to: z.string(), format: z.enum(['text', 'html', 'rtf']) }),
      result: z.object({ message_id: z.string() }),
    }),
  });
  const queue = new JobQueue(contract, { connection: system.redis, prefix: system.prefix });
  const jobs = [];
  for (const format of ['text', 'rtf'] as const) {
    jobs.push(await queue.add('send', { to: 'ann', format }, { delay: 3_600_000 }));
  }
  return jobs;
}

/** Runs the worker until nothing is left to do. */
async function work(project: string): Promise<void> {
  const settings = ['--redis-url', system.url, '--concurrency', '1', '--burst'];
  const { all, exitCode } = await execa(
    process.env.PYTHON ?? 'python3',
    ['-m', 'bullmq_bridge', 'worker', 'worker:worker', ...settings],
    { cwd: project, all: true, reject: false },
  );
  expect([exitCode, all]).toEqual([0, expect.stringContaining('is read through its upcaster')]);
}
