import type { Job, JobsOptions, QueueEvents } from 'bullmq';
import { beforeAll, describe, expect, test } from 'vitest';
import { readFailure } from '../../src/bridge/index.js';
import { readStream } from '../support/event-stream.js';
import { useSystem } from '../support/system.js';
import { waitFor } from '../support/wait-for.js';

const HOUR_MS = 3_600_000;
const TEXT = 'Straße "gesperrt" \\ 😀\nzweite Zeile';

const system = useSystem();
const queue = system.queue();
let events: QueueEvents;

beforeAll(async () => {
  events = await system.events(queue.name);
  await system.startWorker('processors.py', { queue: queue.name });
});

async function add(name: string, data: unknown, opts: JobsOptions = {}): Promise<string> {
  return (await queue.add(name, data, opts)).id as string;
}

async function failedJob(name: string, data: unknown, opts?: JobsOptions): Promise<Job> {
  return system.jobIn('failed', queue, await add(name, data, opts));
}

/** The last line of each stack trace of a job: what was raised. */
function raisedBy(job: Job): (string | undefined)[] {
  return (job.stacktrace ?? []).map((trace) => trace.split('\n').at(-1));
}

/** Events of a job from the first start on, the one of its addition left out. */
async function eventsOf(id: string): Promise<string[]> {
  return (await readStream(system.redis, queue, id)).map(({ event }) => event).slice(1);
}

describe('a processor that raises', () => {
  test('fails the job with its message, as raw text', async () => {
    const id = await add('fail', { message: TEXT });
    const job = (await queue.getJob(id)) as Job;
    await expect(job.waitUntilFinished(events, 15_000)).rejects.toThrow(new Error(TEXT));
    const stored = await system.jobIn('failed', queue, id);
    expect(stored.failedReason).toBe(TEXT);
    expect(await system.redis.hget(queue.toKey(id), 'failedReason')).toBe(TEXT);
    const failed = (await readStream(system.redis, queue, id)).find(({ event }) => event === 'failed');
    expect(failed?.fields).toEqual({ jobId: id, failedReason: TEXT, prev: 'active' });
    expect(stored.attemptsMade).toBe(1);
    expect(stored.finishedOn).toBeGreaterThanOrEqual(stored.processedOn ?? Number.POSITIVE_INFINITY);
  });

  test('leaves its stack trace, innermost frame last, without frames of the library', async () => {
    const job = await failedJob('fail', { message: TEXT });
    expect(job.stacktrace).toHaveLength(1);
    const [trace = ''] = job.stacktrace ?? [];
    expect(trace).toMatch(/^Traceback \(most recent call last\):\n {2}File ".*processors\.py", line \d+, in fail\n/);
    expect(trace.endsWith(`ValueError: ${TEXT}`)).toBe(true);
    expect(trace).not.toContain('bullmq_bridge');
  });

  test('leaves a record that tells kind, type, attempt and traceback', async () => {
    const job = await failedJob('fail', { message: TEXT });
    expect(await readFailure(system.redis, job)).toEqual({
      kind: 'raised',
      type: 'ValueError',
      message: TEXT,
      attempt: 1,
      traceback: job.stacktrace?.[0],
    });
  });

  test('fails the job with the name of the error when it has no message', async () => {
    expect((await failedJob('fail', { message: '' })).failedReason).toBe('ValueError');
  });
});

describe('the kind of a failure', () => {
  test('is crashed when the process of the processor ends, and the worker goes on', async () => {
    const job = await failedJob('crash', {});
    expect(await readFailure(system.redis, job)).toMatchObject({ kind: 'crashed', attempt: 1 });
    expect(job.failedReason).toContain('exit code 3');
    const next = await add('echo', 'still here');
    expect((await system.jobIn('completed', queue, next)).returnvalue).toBe('still here');
  });

  test('is unknown_job when the worker has no processor of that name; it is not tried again', async () => {
    const job = await failedJob('unheard-of', {}, { attempts: 3 });
    expect(await readFailure(system.redis, job)).toMatchObject({ kind: 'unknown_job', attempt: 1 });
    expect(job.failedReason).toContain("'unheard-of'");
    expect(job.failedReason).toContain('echo, fail');
    expect(job.attemptsMade).toBe(1);
  });

  test.each([
    ['not a number', '/'],
    ['infinity', '/1/x'],
    ['a lone surrogate', '/'],
    ['a set', '/'],
    ['bytes', '/deep/0'],
    ['a key that is a number', '/'],
  ])('is contract_violation when the result is no JSON (%s); it is not tried again', async (result, path) => {
    const job = await failedJob('literal', result, { attempts: 3 });
    expect(await readFailure(system.redis, job)).toMatchObject({ kind: 'contract_violation', paths: [path] });
    expect(job.attemptsMade).toBe(1);
    expect(job.returnvalue).toBeNull();
  });

  test('is not told any more once the job was retried', async () => {
    const job = await failedJob('flaky', { failures: 1 });
    expect(await readFailure(system.redis, job)).toMatchObject({ kind: 'raised' });
    await job.retry();
    const completed = await system.jobIn('completed', queue, job.id);
    expect(await readFailure(system.redis, completed)).toBeUndefined();
  });
});

describe('a job with attempts', () => {
  test('is tried again at once without a backoff, and completes', async () => {
    const id = await add('flaky', { failures: 2 }, { attempts: 5 });
    const job = await system.jobIn('completed', queue, id);
    expect(job.returnvalue).toBe(2);
    expect(job.attemptsMade).toBe(3);
    expect(job.attemptsStarted).toBe(3);
    expect(await eventsOf(id)).toEqual(['waiting', 'active', 'waiting', 'active', 'waiting', 'active', 'completed']);
  });

  test('fails when no attempt is left, with one stack trace for each', async () => {
    const job = await failedJob('flaky', { failures: 9 }, { attempts: 3 });
    expect(job.failedReason).toBe('attempt 3 failed');
    expect(raisedBy(job)).toEqual([
      'ValueError: attempt 1 failed',
      'ValueError: attempt 2 failed',
      'ValueError: attempt 3 failed',
    ]);
    expect(await readFailure(system.redis, job)).toMatchObject({ attempt: 3, message: 'attempt 3 failed' });
    expect((await eventsOf(job.id as string)).slice(-2)).toEqual(['failed', 'retries-exhausted']);
  });

  test.each([
    [2, ['ValueError: attempt 2 failed', 'ValueError: attempt 3 failed']],
    [0, []],
  ])('keeps the last stack traces only (stackTraceLimit %i)', async (stackTraceLimit, kept) => {
    const job = await failedJob('flaky', { failures: 9 }, { attempts: 3, stackTraceLimit });
    expect(raisedBy(job)).toEqual(kept);
  });

  test('is not tried again when the processor says that it would not help', async () => {
    const job = await failedJob('fail-for-good', { message: TEXT }, { attempts: 5, backoff: 10 });
    expect(job.failedReason).toBe(TEXT);
    expect(job.attemptsMade).toBe(1);
    expect(await readFailure(system.redis, job)).toMatchObject({ kind: 'raised', type: 'Unrecoverable', attempt: 1 });
    expect(await eventsOf(job.id as string)).toEqual(['waiting', 'active', 'failed']);
  });
});

describe('a backoff', () => {
  /** The delays that a job is given, one attempt after the other, without waiting for any. */
  async function delaysOf(id: string, attempts: number): Promise<number[]> {
    const delays: number[] = [];
    for (let attempt = 1; attempt < attempts; attempt++) {
      const job = await system.jobIn('delayed', queue, id);
      expect(job.attemptsMade).toBe(attempt);
      delays.push(job.delay);
      await job.promote();
      await waitFor(`attempt ${attempt + 1} of job ${id}`, async () => {
        return ((await queue.getJob(id)) as Job).attemptsMade > attempt;
      });
    }
    return delays;
  }

  test.each<[string, JobsOptions['backoff'], number[]]>([
    ['that is fixed waits as long each time', { type: 'fixed', delay: HOUR_MS }, [HOUR_MS, HOUR_MS, HOUR_MS]],
    ['that is a number is fixed', HOUR_MS, [HOUR_MS, HOUR_MS, HOUR_MS]],
    [
      'that is exponential doubles each time',
      { type: 'exponential', delay: HOUR_MS },
      [HOUR_MS, 2 * HOUR_MS, 4 * HOUR_MS],
    ],
  ])('%s', async (_, backoff, delays) => {
    const id = await add('flaky', { failures: 9 }, { attempts: 4, backoff });
    expect(await delaysOf(id, 4)).toEqual(delays);
    const job = await system.jobIn('failed', queue, id);
    expect(job.attemptsMade).toBe(4);
    expect(await eventsOf(id)).toEqual([
      'waiting',
      ...['active', 'delayed', 'waiting'],
      ...['active', 'delayed', 'waiting'],
      ...['active', 'delayed', 'waiting'],
      'active',
      'failed',
      'retries-exhausted',
    ]);
  });

  test('with jitter stays within its bounds', async () => {
    const backoff = { type: 'exponential', delay: HOUR_MS, jitter: 0.5 };
    const id = await add('flaky', { failures: 9 }, { attempts: 4, backoff });
    for (const [retry, delay] of (await delaysOf(id, 4)).entries()) {
      expect(delay).toBeLessThanOrEqual(2 ** retry * HOUR_MS);
      expect(delay).toBeGreaterThanOrEqual((2 ** retry * HOUR_MS) / 2);
    }
  });

  test('puts the job where and until when its event says', async () => {
    const before = Date.now();
    const id = await add('flaky', { failures: 9 }, { attempts: 2, backoff: HOUR_MS });
    const job = await system.jobIn('delayed', queue, id);
    const due = Math.floor(Number(await system.redis.zscore(queue.toKey('delayed'), id)) / 4_096);
    const delayed = (await readStream(system.redis, queue, id)).find(({ event }) => event === 'delayed');
    expect(Number(delayed?.fields.delay)).toBe(due);
    expect(due).toBeGreaterThanOrEqual(before + HOUR_MS);
    expect(due).toBeLessThanOrEqual(Date.now() + HOUR_MS);
    // What Node shows between two attempts.
    expect(job.failedReason).toBe('attempt 1 failed');
    expect(await readFailure(system.redis, job)).toMatchObject({ kind: 'raised', attempt: 1 });
  });

  test('ends by itself, not before its time', async () => {
    const id = await add('flaky', { failures: 2 }, { attempts: 3, backoff: { type: 'exponential', delay: 40 } });
    const job = await system.jobIn('completed', queue, id);
    expect(job.returnvalue).toBe(2);
    const stream = await readStream(system.redis, queue, id);
    const starts = stream.filter(({ event }) => event === 'active').slice(1);
    const due = stream.filter(({ event }) => event === 'delayed').map(({ fields }) => Number(fields.delay));
    expect(due).toHaveLength(2);
    starts.forEach(({ at }, retry) => {
      expect(at).toBeGreaterThanOrEqual(due[retry] as number);
    });
  });

  test('of a strategy that only the producer knows fails the job instead of losing it', async () => {
    const job = await failedJob(
      'fail',
      { message: 'no luck' },
      { attempts: 3, backoff: { type: 'homemade', delay: 1 } },
    );
    expect(job.attemptsMade).toBe(1);
    expect(job.failedReason).toContain('no luck');
  });
});
