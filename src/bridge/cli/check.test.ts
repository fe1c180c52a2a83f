import { execFileSync } from 'node:child_process';
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
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { REDIS_URL, useRedis } from '../queue/redis.test-support.js';
import { run } from './program.js';

const LIBRARY = resolve('src/bridge/index.ts');

let project: string;
let printed: string;
let complained: string;
let contracts = 0;

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'bullmq-bridge-'));
  symlinkSync(resolve('node_modules'), join(project, 'node_modules'));
  writeFile('package.json', JSON.stringify({ type: 'module' }));
});

afterEach(() => rmSync(project, { recursive: true }));

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

/** Replaces the contract. A module is imported once a process, so each has another name. */
function define(data: string, { queue = 'mail', job = 'send', result = 'z.null()' } = {}): void {
  rmSync(join(project, 'src'), { recursive: true, force: true });
  contracts += 1;
  writeFile(
    `src/jobs/mail-${contracts}.ts`,
    `import * as z from 'zod';
     import { defineQueue, job } from ${JSON.stringify(LIBRARY)};
     export const mail = defineQueue('${queue}', { '${job}': job({ data: ${data}, result: ${result} }) });`,
  );
}

/** Defines a contract, and emits it. */
async function release(...contract: Parameters<typeof define>): Promise<void> {
  define(...contract);
  expect([await cli('emit'), complained]).toEqual([0, '']);
}

const git = (...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=Ann', '-c', 'user.email=ann@example.org', ...args], {
    cwd: project,
    stdio: 'pipe',
  });

const history = (): string[] =>
  existsSync(join(project, 'schemas/history')) ? readdirSync(join(project, 'schemas/history')) : [];

describe('bullmq-bridge emit', () => {
  it('keeps the version that it replaces, and only where a schema has changed', async () => {
    await release('z.object({ to: z.string() })');
    await release("z.object({ to: z.string().describe('whom') })");
    expect(history()).toEqual([]);
    await release('z.object({ to: z.email() })');
    expect(history()).toEqual([expect.stringMatching(/^mail\.send\.[0-9a-f]{10}\.json$/)]);
    expect(printed).toContain('Kept the version that was there as schemas/history/mail.send.');
    expect([await cli('emit', '--check'), complained]).toEqual([0, '']);
  });

  it('keeps the last version of a job that is gone', async () => {
    await release('z.object({ to: z.string() })');
    await release('z.object({ to: z.string() })', { job: 'deliver' });
    expect(history()).toEqual([expect.stringMatching(/^mail\.send\./)]);
  });

  it('writes each version once, also when it comes and goes', async () => {
    for (const data of ['z.object({})', 'z.object({ a: z.int() })', 'z.object({})', 'z.object({ a: z.int() })']) {
      await release(data);
    }
    expect(history()).toHaveLength(2);
  });

  it.each([['merge'], ['rebase']])('keeps the versions of both sides of a %s with conflicts', async (kind) => {
    git('init', '--quiet', '--initial-branch=main');
    const commit = async (data: string) => {
      await release(data);
      git('add', 'schemas');
      git('commit', '--quiet', '--message', data);
      return fingerprint();
    };
    const base = await commit('z.object({ to: z.string() })');
    git('switch', '--quiet', '--create', 'side');
    const theirs = await commit('z.object({ to: z.string().max(9) })');
    git('switch', '--quiet', 'main');
    const ours = await commit('z.object({ to: z.string().min(1) })');
    expect(() => git(kind, 'side')).toThrow(`${kind} side`);
    expect(readFileSync(join(project, 'schemas/contract.json'), 'utf8')).toContain('<<<<<<<');

    await release('z.object({ to: z.string().min(1).max(9) })');
    const kept = history().map((name) => JSON.parse(readFileSync(join(project, 'schemas/history', name), 'utf8')));
    expect(kept.map((version) => version.fingerprint).sort()).toEqual([base, ours, theirs].sort());
    expect(kept.find((version) => version.fingerprint === theirs).data.properties.to).toMatchObject({ maxLength: 9 });
    expect(await cli('emit', '--check')).toBe(0);
  });

  it.each(['contract.json', 'mail.send.data.json'])('does not lose a version because %s is damaged', async (file) => {
    await release('z.object({ to: z.string() })');
    const before = readFileSync(join(project, 'schemas', file), 'utf8');
    writeFile(`schemas/${file}`, `<<<<<<< HEAD\n${before}`);
    define('z.object({ to: z.email() })');
    expect(await cli('emit')).toBe(2);
    expect(complained).toMatch(/^schemas cannot be read: SyntaxError.*git checkout HEAD -- schemas/);
    writeFile(`schemas/${file}`, before);
    expect(await cli('emit')).toBe(0);
    expect(history()).toHaveLength(1);
  });
});

describe('bullmq-bridge check --against a folder', () => {
  beforeEach(async () => {
    await release("z.object({ kind: z.enum(['a', 'b']) })");
    cpSync(join(project, 'schemas'), join(project, 'deployed'), { recursive: true });
  });

  it('ends with 0 when nothing has changed', async () => {
    expect(await cli('check', '--against', 'deployed')).toBe(0);
    expect(printed).toBe('Nothing has changed against deployed.\n');
  });

  it('ends with 0 when any order will do', async () => {
    define("z.object({ kind: z.enum(['a', 'b']), note: z.string().optional() })");
    expect(await cli('check', '--against', 'deployed')).toBe(0);
    expect(printed).toContain('property-added at data /properties/note: any order');
  });

  it('ends with 1 and says what to do when an order has to be kept', async () => {
    define("z.object({ kind: z.enum(['a']) })");
    expect(await cli('check', '--against', 'deployed')).toBe(1);
    expect(printed).toBe(
      `mail / send: producers first and drain
  enum-narrowed at data /properties/kind: producers first and drain
    Of data in Redis or from old writers, the new version refuses "b".
    For example: {"kind":"b"}

Against deployed: producers first and drain. Deploy the producers (Node) first. Deploy the consumers (Python) when no old producer ` +
        'runs any more and none of its jobs is left in Redis, delayed, failed and scheduled ones included; or give the worker an ' +
        'upcaster.\n',
    );
  });

  it('ends with 0 when the rule is allowed, and says that it was', async () => {
    define("z.object({ kind: z.enum(['a']) })");
    expect(await cli('check', '--against', 'deployed', '--allow', 'enum-narrowed')).toBe(0);
    expect(printed).toContain('producers first and drain (allowed)');
    expect(await cli('check', '--against', 'deployed', '--allow', 'enum-widened')).toBe(1);
  });

  it('prints JSON', async () => {
    define("z.object({ kind: z.enum(['a', 'b', 'c']) })");
    expect(await cli('check', '--against', 'deployed', '--json')).toBe(1);
    expect(JSON.parse(printed)).toMatchObject({
      against: 'deployed',
      verdict: 'consumers first',
      remedy: expect.stringContaining('Deploy the consumers'),
      jobs: [
        {
          queue: 'mail',
          job: 'send',
          verdict: 'consumers first',
          changes: [{ rule: 'enum-widened', payload: 'data', pointer: '/properties/kind', allowed: false }],
        },
      ],
    });
  });

  it('prints annotations for GitHub', async () => {
    define("z.object({ kind: z.enum(['a', 'b', 'c']), note: z.string().optional() })");
    const args = ['check', '--against', 'deployed', '--format', 'github'];
    expect(await cli(...args)).toBe(1);
    const [error, notice, ...more] = printed.trimEnd().split('\n');
    expect(error).toMatch(
      /^::error file=schemas\/mail\.send\.data\.json,title=enum-widened%3A consumers first::mail \/ send, data \/properties\/kind: /,
    );
    expect(notice).toMatch(/^::notice /);
    expect(more).toEqual([]);
    expect(await cli(...args, '--allow', 'enum-widened')).toBe(0);
    expect(printed).toMatch(/^::warning /);
  });

  it('looks at every earlier version in the history', async () => {
    await release("z.object({ kind: z.enum(['a', 'b']), copies: z.string().optional() })");
    await release("z.object({ kind: z.enum(['a', 'b']) })");
    define("z.object({ kind: z.enum(['a', 'b']), copies: z.int().optional() })");
    expect(await cli('check', '--against', 'deployed')).toBe(1);
    expect(printed).toContain('name-reused at data /properties/copies: breaking');
    expect(printed).toMatch(/mail \/ send, since version [0-9a-f]{10}: producers first and drain\n {2}type-narrowed/);
  });

  it.each<[string, string[], RegExp]>([
    ['nothing to compare with', ['check'], /--against/],
    [
      'a rule that does not exist',
      ['check', '--against', 'deployed', '--allow', 'nope'],
      /no such rule.*enum-narrowed/,
    ],
    ['a folder without a contract', ['check', '--against', './src'], /\.\/src has no contract\.json/],
    ['a format that does not exist', ['check', '--against', 'deployed', '--format', 'xml'], /human, json, github/],
  ])('ends with 2 on %s', async (_, args, message) => {
    expect(await cli(...args)).toBe(2);
    expect(complained).toMatch(message);
  });

  it('ends with 2 when what was emitted is damaged', async () => {
    writeFile('deployed/mail.send.data.json', '{');
    expect(await cli('check', '--against', 'deployed')).toBe(2);
    expect(complained).toContain('deployed cannot be read');
    const version = { version: 1, queue: 'mail', job: 'send', fingerprint: 'a', data: null, result: {} };
    for (const damaged of ['{}', 'null', JSON.stringify(version)]) {
      writeFile('schemas/history/mail.send.0.json', damaged);
      for (const args of [['check', '--against', 'schemas'], ['emit']]) {
        expect(await cli(...args)).toBe(2);
        expect(complained).toMatch(/^schemas\/history\/mail\.send\.0\.json cannot be read/);
      }
    }
  });
});

describe('bullmq-bridge check --against a commit', () => {
  it('compares with the schemas as they were committed', async () => {
    await release('z.object({ to: z.string() })');
    git('init', '--quiet', '--initial-branch=main');
    git('add', 'schemas');
    git('commit', '--quiet', '--message', 'first');
    await release('z.object({ to: z.string().nullable() })');
    expect(await cli('check', '--against', 'main')).toBe(1);
    expect(printed).toContain('type-widened at data /properties/to: consumers first');

    git('rm', '--quiet', '-r', '--cached', 'schemas');
    git('commit', '--quiet', '--message', 'second');
    expect(await cli('check', '--against', 'main')).toBe(2);
    expect(complained).toContain('main has no schemas/contract.json');
    expect(await cli('check', '--against', 'main~1')).toBe(1);
  });

  it.each([['no-such-branch'], ['--help'], ['HEAD']])('ends with 2 when git knows no commit %s', async (reference) => {
    await release('z.object({})');
    expect(await cli('check', `--against=${reference}`)).toBe(2);
    expect(complained).toContain('git knows no such commit');
  });
});

describe('bullmq-bridge check --against redis', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it.each<[string, string | undefined, RegExp]>([
    ['is not named', undefined, /needs REDIS_URL/],
    ['cannot be reached', 'redis://127.0.0.1:1', /Redis at 127\.0\.0\.1:1 cannot be read: /],
    ['is no URL', '127.0.0.1:1', /^REDIS_URL is not of the form redis:/],
    [
      'has a password that is not encoded',
      'redis://:p@ss/w#rd@127.0.0.1:1',
      /^(?!.*(?:ss|w#rd)@?127).* %2F for \/(?!.*p@ss)/,
    ],
    ['has a password with a question mark', 'redis://me:1?b@127.0.0.1:1', /^REDIS_URL is not of the form redis:/],
  ])('ends with 2 when Redis %s', async (_, url, message) => {
    vi.stubEnv('REDIS_URL', url);
    await release('z.object({})');
    expect(await cli('check', '--against', 'redis')).toBe(2);
    expect(complained).toMatch(message);
  });
});

describe.skipIf(REDIS_URL === undefined)('bullmq-bridge check --against redis, with a Redis', () => {
  const redis = useRedis();

  const put = (key: string, data: object, fingerprint?: string, name = 'send') =>
    redis.connection.hset(`${redis.prefix}:mail:${key}`, {
      name,
      data: JSON.stringify(data),
      opts: JSON.stringify(fingerprint === undefined ? {} : { contractFingerprint: fingerprint }),
    });

  it('names every version that is there, where it is, and what is to be done', async () => {
    const { connection, prefix } = redis;
    const base = `${prefix}:mail`;
    await release("z.object({ kind: z.enum(['a', 'b']) })");
    const first = fingerprint();
    await release("z.object({ kind: z.enum(['a']) })");
    await put('1', { kind: 'b' }, first);
    await put('2', { kind: 'a' }, first);
    await put('3', { kind: 'a' }, fingerprint());
    await put('4', { kind: 'a' });
    await put('5', { kind: 'z' });
    await put('6', { kind: 'a' }, 'unheard-of');
    await put('7', {}, undefined, 'gone');
    await put('repeat:nightly', { kind: 'b' }, first);
    await put('dn:once', { kind: 'a' }, first);
    await connection.lpush(`${base}:wait`, '4', '5', '3', 'vanished');
    await connection.zadd(`${base}:delayed`, 1, '1', 2, '6');
    await connection.zadd(`${base}:failed`, 1, '2');
    await connection.lpush(`${base}:active`, '7');
    await connection.zadd(`${base}:repeat`, 1, 'nightly', 2, 'without-a-template');
    vi.stubEnv('REDIS_URL', REDIS_URL);

    expect([await cli('check', '--against', 'redis', '--prefix', prefix, '--json'), complained]).toEqual([1, '']);
    const drain = 'producers first and drain';
    expect(JSON.parse(printed).jobs).toMatchObject([
      { job: 'gone', since: 'none', changes: [{ rule: 'job-removed' }], found: { states: { active: 1 } } },
      {
        job: 'send',
        since: 'none',
        verdict: drain,
        changes: [{ rule: 'version-unknown' }],
        found: { states: { waiting: 2 }, refused: 1, jobs: ['5'] },
      },
      {
        job: 'send',
        since: first,
        verdict: drain,
        changes: [{ rule: 'enum-narrowed', witness: { kind: 'b' } }],
        found: { states: { delayed: 1, failed: 1 }, schedulers: ['nightly'], records: ['once'], refused: 2 },
      },
      { since: 'unheard-of', changes: [{ rule: 'version-unknown' }], found: { refused: 0 } },
    ]);

    expect(await cli('check', '--against', 'redis', '--prefix', prefix)).toBe(1);
    expect(printed).toContain('Schedulers that go on making such jobs until they are written again: nightly.');
    expect(printed).toContain('(keepLastIfActive), deduplication: once.');
    expect(printed).toContain('In Redis: 1 delayed, 1 failed.');
    expect(printed).toContain('Of these, the new version would refuse 2, for example 1, nightly.');
  });

  it.each([['before'], ['after']])('names what is left of a queue that is gone, %s emit', async (when) => {
    await release('z.object({})');
    await put('1', {}, fingerprint());
    await redis.connection.zadd(`${redis.prefix}:mail:delayed`, 1, '1');
    define('z.object({})', { queue: 'post' });
    expect(await cli(...(when === 'before' ? ['--help'] : ['emit']))).toBe(0);
    vi.stubEnv('REDIS_URL', REDIS_URL);
    expect([await cli('check', '--against', 'redis', '--prefix', redis.prefix), complained]).toEqual([1, '']);
    expect(printed).toMatch(
      /^mail \/ send, since version [0-9a-f]{10}: .* drain\n {2}In Redis: 1 delayed\.\n {2}queue-removed: /m,
    );
  });
});

/** Of the job as it was emitted last. */
function fingerprint(): string {
  const { queues } = JSON.parse(readFileSync(join(project, 'schemas/contract.json'), 'utf8'));
  return queues.mail.jobs.send.fingerprint;
}

describe('what emit says of earlier versions in contract.json', () => {
  const past = () => {
    const document = JSON.parse(readFileSync(join(project, 'schemas/contract.json'), 'utf8'));
    return Object.values(document.queues.mail.jobs.send.past ?? {});
  };

  it('is what check says', async () => {
    await release("z.object({ to: z.string(), format: z.enum(['text', 'rtf']) })");
    expect(past()).toEqual([]);
    cpSync(join(project, 'schemas'), join(project, 'deployed'), { recursive: true });
    await release("z.object({ to: z.string(), format: z.enum(['text']) })");
    expect(await cli('check', '--against', 'deployed')).toBe(1);
    const [name, ...changes] = printed.split('\n\n')[0]?.split('\n') ?? [];
    const verdict = 'producers first and drain';
    const report = expect.stringContaining(changes.join('\n'));
    expect([name, past()]).toEqual([`mail / send: ${verdict}`, [{ data: verdict, result: 'any order', report }]]);
    expect(await cli('emit', '--check')).toBe(0);
  });

  it('is only a verdict where any order is safe', async () => {
    await release('z.object({ to: z.string() })');
    await release('z.object({ to: z.string(), note: z.string().optional() })');
    expect(past()).toEqual([{ data: 'any order', result: 'any order' }]);
  });
});
