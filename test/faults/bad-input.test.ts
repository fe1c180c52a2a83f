import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readFailure } from '../../src/bridge/index.js';
import type { PythonWorker } from '../support/python-worker.js';
import { useSystem } from '../support/system.js';
import { waitFor } from '../support/wait-for.js';
import { eventsOf, hashOf, settled } from './queue-state.js';
import { useStages } from './stage.js';

const system = useSystem();
const newStage = useStages();

describe.each(['faults_worker.py', 'faults_async_worker.py'])('a worker (%s) meets', (fixture) => {
  const queue = system.queue();
  const stage = newStage();
  let worker: PythonWorker;

  beforeAll(async () => {
    worker = await system.startWorker(fixture, { queue: queue.name, concurrency: 1 }, stage.env);
    return () => worker.stop();
  });

  /** Puts an id and a hash into the queue as no BullMQ would. */
  async function push(id: string, fields: Record<string, string | Buffer>): Promise<void> {
    const transaction = system.redis.multi();
    if (Object.keys(fields).length > 0) transaction.hset(queue.toKey(id), fields);
    await transaction.lpush(queue.toKey('wait'), id).zadd(queue.toKey('marker'), 0, '0').exec();
  }

  /** Waits for the end of a job by its state alone: Node itself cannot read a hash that is damaged. */
  async function ended(id: string, state: 'completed' | 'failed'): Promise<void> {
    await waitFor(`job ${id} ${state}`, async () => (await queue.getJobState(id)) === state, {
      state: () => queue.getJobState(id),
    });
  }

  const whole = { name: 'work', data: '{}', opts: '{}', timestamp: '1', delay: '0', priority: '0' };
  const { name, data, opts, timestamp } = whole;

  it.each<[string, Record<string, string | Buffer>, string, RegExp]>([
    ['has no hash', {}, 'unknown_job', /has no name: its hash was removed or damaged/],
    ['has a hash without a name', { data, opts, timestamp }, 'unknown_job', /has no name/],
    ['has a hash without data', { name, opts, timestamp }, 'unknown_job', /has no data/],
    ['has a name that is none', { ...whole, name: '' }, 'unknown_job', /no processor for job ''/],
    [
      'has a name that is no UTF-8',
      { ...whole, name: Buffer.from([0x77, 0xff]) },
      'unknown_job',
      /no processor for job/,
    ],
    ['has data that is no JSON', { ...whole, data: '{' }, 'contract_violation', /not valid JSON/],
    [
      'has data that is no UTF-8',
      { ...whole, data: Buffer.from([0x22, 0xff, 0x22]) },
      'contract_violation',
      /not valid/,
    ],
    ['has no data at all', { ...whole, data: '' }, 'contract_violation', /not valid JSON/],
    ['has NaN as data', { ...whole, data: '{"ms":NaN}' }, 'contract_violation', /NaN is not JSON/],
    ['has data nested without end', { ...whole, data: '['.repeat(50_000) }, 'contract_violation', /nested/],
  ])('an id that %s: fails it with a reason, and goes on', async (id, fields, kind, reason) => {
    await push(id, fields);
    const next = await queue.add('work', {});

    await ended(id, 'failed');
    await ended(next.id as string, 'completed');
    const { failedReason = '', bridgeFailure = '{}' } = await hashOf(system.redis, queue, id);
    expect(failedReason).toMatch(reason);
    expect(JSON.parse(bridgeFailure)).toMatchObject({ kind, message: failedReason, attempt: 1 });
    const events = await eventsOf(system.redis, queue, 'failed');
    expect(events.filter(({ jobId }) => jobId === id)).toMatchObject([{ failedReason }]);
    expect(stage.runs(id)).toEqual([]);
  });

  it.each<[string, Record<string, string>]>([
    ['no JSON', { opts: '{' }],
    ['no object', { opts: '[1]' }],
    ['of wrong types', { opts: '{"attempts":"three","backoff":"soon","removeOnComplete":"no","kl":"x","fpof":1}' }],
    ['gone', {}],
  ])('options that are %s: runs the job all the same', async (kind, damaged) => {
    const id = `options-${kind}`;
    await push(id, { name, data, timestamp, ...damaged });
    await ended(id, 'completed');
  });

  it('counters that are no numbers: runs the job all the same', async () => {
    await push('counters', { ...whole, stc: 'y', priority: 'z', processedOn: '-', timestamp: 't', stacktrace: '{' });
    await ended('counters', 'completed');
  });

  it('a job with an odd id: runs it', async () => {
    for (const id of ['ü😀', 'with space', 'x'.repeat(300), '0', '-1']) {
      await push(id, whole);
      await ended(id, 'completed');
    }
  });

  afterEach(async () => {
    expect(worker.isRunning).toBe(true);
    expect(await queue.getActiveCount()).toBe(0);
  });
});

describe('a processor that', () => {
  const queue = system.queue();
  const stage = newStage();
  let worker: PythonWorker;

  beforeAll(async () => {
    worker = await system.startWorker('faults_worker.py', { queue: queue.name, concurrency: 1 }, stage.env);
    return () => worker.stop();
  });

  it.each([
    ['calls sys.exit', 'exit', '3', 'SystemExit'],
    ['raises KeyboardInterrupt', 'interrupt', 'KeyboardInterrupt', 'KeyboardInterrupt'],
    ['raises CancelledError', 'cancel', 'CancelledError', 'CancelledError'],
    ['raises StopIteration', 'stop-iteration', 'StopIteration', 'StopIteration'],
    ['raises an error with half a character', 'surrogate', 'half ? of it', 'ValueError'],
  ])('%s fails its job like any other error; its process goes on', async (_, how, message, type) => {
    const [child] = await worker.children();
    const job = await queue.add('misbehave', { how }, { attempts: 2 });

    const failed = await settled(queue, job.id as string);

    expect(failed.failedReason).toBe(message);
    expect(await readFailure(system.redis, failed)).toMatchObject({ kind: 'raised', type, attempt: 2 });
    expect(stage.runs(job.id)).toHaveLength(2);
    expect(await worker.children()).toEqual([child]);
  });

  it('prints and writes to its standard output and error corrupts nothing', async () => {
    const job = await queue.add('misbehave', { how: 'print' });
    expect((await settled(queue, job.id as string)).returnvalue).toBe('printed');
    await worker.waitForLog(/written to standard error/);
    const next = await queue.add('work', { bytes: 10 });
    expect((await settled(queue, next.id as string)).returnvalue).toBe('x'.repeat(10));
    expect(stage.runs(job.id)).toHaveLength(1);
  });

  it('returns what is no JSON fails its job once, whatever attempts are left', async () => {
    for (const how of ['set', 'nan', 'bytes', 'number-key', 'half-a-character']) {
      const job = await queue.add('misbehave', { how }, { attempts: 3 });
      const failed = await settled(queue, job.id as string);
      expect(await readFailure(system.redis, failed)).toMatchObject({ kind: 'contract_violation', attempt: 1 });
      expect(stage.runs(job.id)).toHaveLength(1);
      expect(await hashOf(system.redis, queue, job.id as string)).not.toHaveProperty('returnvalue');
    }
  });
});

it('a coroutine function that ends in a cancellation of its own fails its job, and its slot goes on', async () => {
  const queue = system.queue();
  const stage = newStage();
  const settings = { queue: queue.name, concurrency: 1 };
  const worker = await system.startWorker('faults_async_worker.py', settings, stage.env);

  const job = await queue.add('cancel', {});
  const next = await queue.add('work', {});

  expect((await settled(queue, job.id as string)).failedReason).toBe('CancelledError');
  expect(await (await settled(queue, next.id as string)).getState()).toBe('completed');
  await worker.stop();
});
