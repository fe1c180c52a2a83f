import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Job } from 'bullmq';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { run } from '../../src/bridge/cli/program.js';
import type { Verdict } from '../../src/bridge/compatibility/change.js';
import type { JobReport } from '../../src/bridge/compatibility/contract-changes.js';
import { ContractError, JobQueue, JobQueueEvents, type QueueContract } from '../../src/bridge/index.js';
import { useSystem } from '../support/system.js';
import { newer } from './versions/newer.js';
import { older } from './versions/older.js';

const VERSIONS = fileURLToPath(new URL('versions/', import.meta.url));
const HOUR_MS = 3_600_000;

/** What the writer of each version writes: where a change bites, it bites one of these. */
const CASES: Readonly<Record<string, { older?: unknown[]; newer?: unknown[] }>> = {
  'optional field new': { older: [{ to: 'a' }], newer: [{ to: 'a' }, { to: 'a', note: 'b' }] },
  'defaulted field new': { older: [{ to: 'a' }], newer: [{ to: 'a' }, { to: 'a', copies: 2 }] },
  'optional field gone': { older: [{ to: 'a' }, { to: 'a', note: 'b' }], newer: [{ to: 'a' }] },
  'required field gone': { older: [{ to: 'a', note: 'b' }], newer: [{ to: 'a' }] },
  'required field new': { older: [{ to: 'a' }], newer: [{ to: 'a', note: 'b' }] },
  'choice new': { older: [{ kind: 'a' }], newer: [{ kind: 'a' }, { kind: 'c' }] },
  'choice gone': { older: [{ kind: 'a' }, { kind: 'c' }], newer: [{ kind: 'a' }] },
  'nullable no more': { older: [{ to: 'a' }, { to: null }], newer: [{ to: 'a' }] },
  'integer is number': { older: [{ n: 1 }], newer: [{ n: 1 }, { n: 0.5 }] },
  'text is longer': {
    older: [{ text: 'ab', children: [{ text: 'a', children: [] }] }],
    newer: [{ text: 'ab', children: [{ text: 'ab', children: [] }] }],
  },
  'type another': { older: [{ n: '1' }], newer: [{ n: 1 }] },
  'field renamed': { older: [{ a: 'a' }], newer: [{ b: 'a' }] },
  'strict with more': { older: [{ a: 'a' }], newer: [{ a: 'a' }, { a: 'a', b: 'b' }] },
  'shape new': { older: [{ kind: 'circle', radius: 1 }], newer: [{ kind: 'square', side: 1 }] },
  'shape gone': { older: [{ kind: 'square', side: 1 }], newer: [{ kind: 'circle', radius: 1 }] },
  'pattern another': { older: [{ code: 'ab' }], newer: [{ code: 'AB' }] },
  'job gone': { older: [{}] },
  'job new': { newer: [{}] },
  'result: field new': { older: [{ pages: 1 }], newer: [{ pages: 1, words: 2 }] },
  'result: choice new': { older: ['done'], newer: ['done', 'none'] },
  'result: choice gone': { older: ['done', 'none'], newer: ['done'] },
  'result: type another': { older: [{ pages: 1 }], newer: [{ pages: [1] }] },
};

const EXPECTED: Readonly<Record<string, Verdict>> = {
  'optional field new': 'any order',
  'defaulted field new': 'any order',
  'optional field gone': 'any order',
  'required field gone': 'consumers first',
  'required field new': 'producers first and drain',
  'choice new': 'consumers first',
  'choice gone': 'producers first and drain',
  'nullable no more': 'producers first and drain',
  'integer is number': 'consumers first',
  'text is longer': 'producers first and drain',
  'type another': 'breaking',
  'field renamed': 'breaking',
  'strict with more': 'consumers first',
  'shape new': 'consumers first',
  'shape gone': 'producers first and drain',
  'pattern another': 'breaking',
  'job gone': 'producers first and drain',
  'job new': 'consumers first',
  'result: field new': 'any order',
  'result: choice new': 'producers first',
  'result: choice gone': 'consumers first and drain',
  'result: type another': 'breaking',
};

const isAboutResult = (name: string) => name.startsWith('result: ');

const system = useSystem();
let folder: string;
let printed: string;
let verdicts: Map<string, Verdict>;

async function cli(...args: string[]): Promise<number> {
  printed = '';
  const lines: string[] = [];
  const code = await run(args, folder, {
    print: (line) => lines.push(line),
    complain: (line) => lines.push(line),
    paint: (_, text) => text,
  });
  printed = lines.join('\n');
  return code;
}

beforeAll(async () => {
  vi.stubEnv('REDIS_URL', system.url);
  folder = await mkdtemp(join(tmpdir(), 'bullmq-bridge-changes-'));
  expect([await cli('emit', '--contracts', join(VERSIONS, 'older.ts')), printed]).toEqual([0, expect.anything()]);
  await cp(join(folder, 'schemas'), join(folder, 'deployed'), { recursive: true });
  expect([await cli('emit', '--contracts', join(VERSIONS, 'newer.ts')), printed]).toEqual([0, expect.anything()]);
  expect(await cli('check', '--contracts', join(VERSIONS, 'newer.ts'), '--against', 'deployed', '--json')).toBe(1);
  const { jobs } = JSON.parse(printed) as { jobs: JobReport[] };
  verdicts = new Map(jobs.map(({ job, verdict }) => [job ?? '', verdict]));
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

/** One version of the Node side. */
class Producer {
  readonly queue: JobQueue<QueueContract>;
  readonly events: JobQueueEvents<QueueContract>;
  readonly #contract: QueueContract;

  constructor(contract: QueueContract) {
    const connection = { connection: system.redis, prefix: system.prefix };
    this.#contract = contract;
    this.queue = new JobQueue(contract, connection);
    this.events = new JobQueueEvents(contract, connection);
  }

  /** Adds a job for each value of a version, due in an hour. */
  async addDelayed(version: 'older' | 'newer'): Promise<Map<string, Job[]>> {
    const added = new Map<string, Job[]>();
    for (const [name, values] of Object.entries(CASES)) {
      for (const value of this.#contract.jobs[name] === undefined ? [] : (values[version] ?? [])) {
        const data = isAboutResult(name) ? { returns: value } : value;
        added.set(name, [...(added.get(name) ?? []), await this.queue.add(name, data, { delay: HOUR_MS })]);
      }
    }
    return added;
  }

  /** Waits for the end of jobs, as this version reads it: those for which any went wrong by the contract. */
  async broken(jobs: ReadonlyMap<string, readonly Job[]>): Promise<string[]> {
    const broken = new Set<string>();
    for (const [name, each] of jobs) {
      for (const job of each) {
        await this.events.waitUntilFinished(job as never).catch(async (error: unknown) => {
          const kind = (await this.queue.readFailure(job))?.kind;
          expect([error, kind]).toSatisfy(
            () => error instanceof ContractError || kind === 'contract_violation' || kind === 'unknown_job',
          );
          broken.add(name);
        });
      }
    }
    return [...broken].sort();
  }

  async close(): Promise<void> {
    await this.events.close();
    await this.queue.close();
  }
}

const promote = async (jobs: ReadonlyMap<string, readonly Job[]>) => {
  for (const job of [...jobs.values()].flat()) await job.promote();
};

const start = (contract: string, env = {}) =>
  system.startWorker(
    'versions_worker.py',
    { queue: 'versions', contract: join(folder, contract), pool: 'thread', concurrency: 1 },
    env,
  );

/** The cases with one of these verdicts, of those that are about data or about results. */
const withVerdict = (about: 'data' | 'result', ...wanted: readonly Verdict[]) =>
  [...verdicts]
    .filter(([name, verdict]) => isAboutResult(name) === (about === 'result') && wanted.includes(verdict))
    .map(([name]) => name)
    .sort();

describe('a deploy of another contract', () => {
  const before = new Producer(older);
  const after = new Producer(newer);
  afterAll(async () => {
    await before.close();
    await after.close();
  });
  let left: Map<string, Job[]>;

  test('is judged before it happens', () => {
    expect(Object.fromEntries(verdicts)).toEqual(EXPECTED);
  });

  test('with the producers first, breaks what has to have the consumers first, and nothing else', async () => {
    left = await before.addDelayed('older');
    const worker = await start('deployed');
    const coming = await after.addDelayed('newer');
    // What the old workers return, read by the new producers.
    const returning = new Map(
      await Promise.all(
        Object.entries(CASES)
          .filter(([name]) => isAboutResult(name))
          .map(
            async ([name, values]): Promise<[string, Job[]]> => [
              name,
              await Promise.all((values.older ?? []).map((returns) => after.queue.add(name, { returns }))),
            ],
          ),
      ),
    );
    const ofData = new Map([...coming].filter(([name]) => !isAboutResult(name)));
    await promote(ofData);

    expect(await after.broken(ofData)).toEqual(withVerdict('data', 'consumers first', 'breaking'));
    expect(await after.broken(returning)).toEqual(withVerdict('result', 'consumers first and drain', 'breaking'));
    await worker.stop();
    for (const job of [...coming].filter(([name]) => isAboutResult(name)).flatMap(([, jobs]) => jobs))
      await job.remove();
  });

  test('leaves old jobs in Redis, which check names', async () => {
    const args = ['--contracts', join(VERSIONS, 'newer.ts'), '--against', 'redis', '--prefix', system.prefix, '--json'];
    expect(await cli('check', ...args)).toBe(1);
    const found = (JSON.parse(printed) as { jobs: (JobReport & { found: { states: object; refused: number } })[] })
      .jobs;
    const old = found.filter(({ found: { states } }) => 'delayed' in states);
    const ofData = old.filter(({ job }) => !isAboutResult(job ?? ''));
    expect(ofData.map(({ job }) => job).sort()).toEqual([...left.keys()].filter((name) => !isAboutResult(name)).sort());
    expect(ofData.filter(({ verdict }) => verdict !== 'any order').map(({ job }) => job)).toEqual(
      withVerdict('data', 'producers first and drain', 'breaking'),
    );
  });

  test('with the consumers first, breaks what has to have the producers first, and nothing else', async () => {
    const worker = await start('schemas');
    // What the new workers return, read by the old producers.
    const returning = new Map<string, Job[]>();
    for (const [name, values] of Object.entries(CASES).filter(([each]) => isAboutResult(each))) {
      const jobs = (values.newer ?? []).map((returns) => before.queue.add(name, { returns }));
      returning.set(name, await Promise.all(jobs));
    }
    const ofData = new Map([...left].filter(([name]) => !isAboutResult(name)));
    await promote(ofData);
    expect(await before.broken(ofData)).toEqual(withVerdict('data', 'producers first and drain', 'breaking'));
    expect(await before.broken(returning)).toEqual(withVerdict('result', 'producers first', 'breaking'));

    // And when the producers have followed, all is well.
    const coming = await after.addDelayed('newer');
    await promote(coming);
    expect(await after.broken(coming)).toEqual([]);
    expect(worker.log).toMatch(/job 'choice gone': data of version [0-9a-f]{10} is read as it is/);
    await worker.stop();
  });

  test('can bring an upcaster for what could not be drained', async () => {
    const [job] = left.get('field renamed') as [Job];
    const failed = await system.jobIn('failed', before.queue.bullmq, job.id);
    const fingerprint = String(Reflect.get(failed.opts, 'contractFingerprint'));
    expect(failed.failedReason).toContain(`is good by version ${fingerprint}, with which it was written, but`);

    const worker = await start('schemas', { UPCAST: fingerprint.slice(0, 8) });
    await failed.retry();
    await system.jobIn('completed', before.queue.bullmq, job.id);
    await worker.stop();
  });
});
