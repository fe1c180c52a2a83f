import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { run } from '../../src/bridge/cli/program.js';
import { ContractMismatchError, JobQueue, type QueueContract } from '../../src/bridge/index.js';
import { EXPIRY_MS } from '../../src/bridge/registry/registry.js';
import { type StartSettings, useSystem } from '../support/system.js';
import { waitFor } from '../support/wait-for.js';
import * as newer from './versions/newer.js';
import * as older from './versions/older.js';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const MISMATCH = 7;

const system = useSystem();
let folder: string;

async function cli(...args: string[]): Promise<string> {
  const lines: string[] = [];
  const print = (line: string) => void lines.push(line);
  await run(args, folder, { print, complain: print, paint: (_, text) => text });
  return lines.join('\n');
}

const emit = (version: string, schemas: string) =>
  cli('emit', '--contracts', join(HERE, `versions/${version}.ts`), '--schemas', schemas);

/** What is deployed: the older version, then the newer one; rolled back; and the newer one without a history. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bullmq-bridge-registry-'));
  await emit('older', 'older');
  await cp(join(folder, 'older'), join(folder, 'newer'), { recursive: true });
  await emit('newer', 'newer');
  await emit('newer', 'rolled-back');
  await cp(join(folder, 'rolled-back'), join(folder, 'no-history'), { recursive: true });
  await emit('older', 'rolled-back');
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** A producer in this process that has announced itself, whatever it has found. */
async function producer<Contract extends QueueContract>(contract: Contract, schemas: string, prefix = system.prefix) {
  const queue = new JobQueue(contract, {
    connection: system.redis,
    prefix,
    announce: { schemas: join(folder, schemas) },
  });
  onTestFinished(() => queue.close());
  const found = await queue.announced().catch((error: unknown) => error);
  return { queue, found };
}

const launch = (schemas: string, settings: Partial<StartSettings> = {}, { jobs = 'send,remind', upcast = '' } = {}) =>
  system.launchWorker(
    'registry_worker.py',
    { queue: 'mail', contract: join(folder, schemas), pool: 'thread', concurrency: 1, announce: 'refuse', ...settings },
    { JOBS: jobs, UPCAST: upcast },
  );

const keys = (prefix = system.prefix) => system.redis.keys(`bullmq-bridge:${prefix}:*`);

/** What `check` says of a deploy of the second after the first. */
const verdictOfCheck = async (deployed: string, schemas: string, version: string) => {
  const contracts = join(HERE, `versions/${version}.ts`);
  const printed = await cli('check', '--against', deployed, '--schemas', schemas, '--contracts', contracts);
  return printed.slice(printed.indexOf('  enum-'), printed.indexOf('\n\n', printed.indexOf('  enum-')));
};

describe('a worker that announces itself', () => {
  test('refuses to start when a live producer writes what it cannot read, in the words of check', async () => {
    await producer(newer.mail, 'newer');
    const worker = launch('older');
    expect(await worker.ended()).toBe(MISMATCH);
    expect(worker.log).toContain(
      'the worker of queue mail refuses to start: live producers do not go together with it',
    );
    const verdict = await verdictOfCheck('older', 'newer', 'newer');
    expect(verdict).toContain('enum-widened at data /properties/format: consumers first');
    expect(worker.log).toContain(verdict);
    expect(worker.log).toContain('Deploy the consumers (Python) first');
    expect(await keys()).toEqual(await keysOf('producer'));
  });

  test('only warns if it is to', async () => {
    await producer(newer.mail, 'newer');
    const worker = launch('older', { announce: 'warn' });
    await worker.waitForReady();
    expect(worker.log).toMatch(/starts, but live producers do not go together with it.*consumers first/s);
    await worker.stop();
  });

  test('judges older producers by its own history, and goes together with those that it has an upcaster for', async () => {
    const { queue } = await producer(newer.mail, 'newer');
    const refused = launch('rolled-back');
    const fingerprint = String(Reflect.get((await queue.add('send', { format: 'text' })).opts, 'contractFingerprint'));
    const upcasting = launch('rolled-back', {}, { upcast: fingerprint });
    expect(await refused.ended()).toBe(MISMATCH);
    expect(refused.log).toContain(await verdictOfCheck('no-history', 'rolled-back', 'older'));
    await upcasting.waitForReady();
    await upcasting.stop();
  });

  test('refuses what nobody can decide', async () => {
    await producer(newer.mail, 'no-history');
    const worker = launch('older');
    expect(await worker.ended()).toBe(MISMATCH);
    expect(worker.log).toContain('mail / send: breaking\n  The worker and the producer have different versions');
  });

  test('starts beside producers of the same version and of older ones that it can read, and takes its entry back', async () => {
    await producer(older.mail, 'older');
    await producer(newer.mail, 'newer');
    const worker = launch('newer');
    await worker.waitForReady();
    expect(await keysOf('worker')).toHaveLength(2);
    await worker.stop();
    expect(await keysOf('worker')).toEqual([]);
  });

  test('does not count a producer that has died, once its entry has expired', async () => {
    const process_ = execa(
      process.execPath,
      ['--import', 'tsx', join(HERE, 'producer.ts'), system.url, system.prefix, join(folder, 'newer')],
      { reject: false },
    );
    onTestFinished(() => void process_.kill('SIGKILL'));
    const entry = await waitFor('announcement of a producer', async () =>
      (await keysOf('producer')).find((key) => key.includes(':producer:')),
    );
    process_.kill('SIGKILL');
    await process_;
    // It still counts: nobody knows yet.
    const refused = launch('older');
    expect(await refused.ended()).toBe(MISMATCH);
    const leftMs = await system.redis.pttl(entry);
    expect(leftMs).toBeGreaterThan(0);
    expect(leftMs).toBeLessThanOrEqual(EXPIRY_MS);
    await system.redis.pexpire(entry, 1);
    const worker = launch('older');
    await worker.waitForReady();
    await worker.stop();
  });

  test('sees only the producers of its own queue and prefix', async () => {
    await producer(newer.mail, 'newer', `${system.prefix}:other`);
    await producer(older.reports, 'older');
    const worker = launch('older');
    await worker.waitForReady();
    await worker.stop();
  });
});

describe('a producer that announces itself', () => {
  test('is told of live workers that cannot read it, and of jobs and queues without a worker', async () => {
    const { queue: reports, found: none } = await producer(older.reports, 'older');
    const worker = launch('older', {}, { jobs: 'send' });
    await worker.waitForReady();
    const { queue: mail, found } = await producer(newer.mail, 'newer');

    expect(none).toBeUndefined();
    expect(found).toBeInstanceOf(ContractMismatchError);
    const verdict = await verdictOfCheck('older', 'newer', 'newer');
    expect((found as Error).message).toContain(verdict);
    const mismatch = { job: 'send', report: expect.stringContaining(verdict) };
    expect(await mail.registry()).toEqual({
      producers: 1,
      workers: 1,
      withoutProcessor: ['remind'],
      mismatches: [expect.objectContaining(mismatch)],
    });
    expect(await reports.registry()).toEqual({
      producers: 1,
      workers: 0,
      withoutProcessor: ['build'],
      mismatches: [],
    });
    await worker.stop();
    expect(await mail.registry()).toMatchObject({ workers: 0, withoutProcessor: ['remind', 'send'], mismatches: [] });
  });

  test('keeps its entry out of the reach of BullMQ', async () => {
    const { queue } = await producer(newer.mail, 'newer');
    const before = await keys();
    expect(before).toHaveLength(2);
    await queue.bullmq.obliterate({ force: true });
    expect(await keys()).toEqual(before);
    expect((await system.keys()).filter((key) => before.includes(key))).toEqual([]);
    await queue.close();
    expect(await keys()).toEqual([]);
  });
});

test('nobody who has not been told to announces anything', async () => {
  const queue = new JobQueue(newer.mail, { connection: system.redis, prefix: system.prefix });
  await queue.add('remind', {});
  const worker = launch('newer', { announce: undefined as never });
  await worker.waitForReady();
  expect(await keys()).toEqual([]);
  await worker.stop();
  await queue.close();
});

/** The keys of one side: its list and its entries. */
async function keysOf(side: string): Promise<string[]> {
  return (await keys()).filter((key) => key.includes(`:${side}`));
}
