import { describe, expect, test } from 'vitest';
import { readFailure } from '../../src/bridge/index.js';
import { waitFor } from '../support/wait-for.js';
import type { PythonSettings } from './python-worker.js';
import { type Stage, useTwins } from './twins.js';

const twins = useTwins();

/** The record of why a job has failed. */
async function failureOf({ system, queue }: Stage, id: string) {
  const job = await system.jobIn('failed', queue, id);
  const failure = await readFailure(system.redis, job);
  expect(failure?.message).toBe(job.failedReason);
  expect(failure?.attempt).toBe(job.attemptsMade);
  return failure;
}

type Case = [kind: string, how: string, settings: PythonSettings, job: [string, unknown], expected: object];

const gate = 'never opened';

describe('Node reads why a job has failed', () => {
  test.each<Case>([
    [
      'raised',
      'by its processor',
      { pool: 'process' },
      ['fail', { message: 'x' }],
      { type: 'ValueError', message: 'x' },
    ],
    ['cancelled', 'by its processor', { pool: 'process' }, ['say', { what: 'cancel', how: 'raise' }], {}],
    [
      'timed_out',
      'at the soft limit',
      { pool: 'process', softTimeLimitS: 0.3 },
      ['sleep', {}],
      { type: 'TimeLimitExceeded' },
    ],
    ['timed_out', 'at the hard limit', { pool: 'process', timeLimitS: 0.3 }, ['sleep', {}], {}],
    ['timed_out', 'at the limit of a coroutine', { pool: 'async', timeLimitS: 0.3 }, ['hold', { gate }], {}],
    [
      'killed_memory',
      'above its limit',
      { pool: 'process', maxMemoryMb: 120 },
      ['swell', {}],
      { message: expect.stringMatching(/killed at \d+ MiB.*; its limit is 120 MiB/) },
    ],
    ['crashed', 'by an exit', { pool: 'process' }, ['die', {}], { message: expect.stringContaining('exit code 3') }],
    ['contract_violation', 'by its result', { pool: 'process' }, ['give', 'a set'], { paths: ['/'] }],
    ['unknown_job', 'without a processor', { pool: 'process' }, ['unheard-of', {}], {}],
  ])('%s (%s)', async (kind, _, settings, [name, data], expected) => {
    await twins.inPython(async (stage) => {
      await stage.startPythonWorker(settings);
      await stage.queue.add(name, data, { jobId: 'job' });
      expect(await failureOf(stage, 'job')).toMatchObject({
        kind,
        attempt: 1,
        traceback: expect.any(String),
        ...expected,
      });
    });
  });

  test('deferred: a child has failed it, or it has stalled too often', async () => {
    await twins.inPython(async (stage) => {
      const { queue, system } = stage;
      await stage.flows.add({
        name: 'echo',
        queueName: queue.name,
        opts: { jobId: 'parent' },
        children: [
          { name: 'fail', data: { message: 'x' }, queueName: queue.name, opts: { failParentOnFailure: true } },
        ],
      });
      await stage.startPythonWorker();
      expect(await failureOf(stage, 'parent')).toMatchObject({ kind: 'deferred' });
      await queue.add('echo', 1, { jobId: 'often stalled', delay: 3_600_000 });
      await system.redis.hset(queue.toKey('often stalled'), 'defa', 'job stalled more than allowable limit');
      await (await queue.getJob('often stalled'))?.promote();
      expect(await failureOf(stage, 'often stalled')).toMatchObject({
        kind: 'deferred',
        message: 'job stalled more than allowable limit',
      });
    });
  });

  test('of each attempt, with the traceback of that', async () => {
    await twins.inPython(async (stage) => {
      const { queue, system } = stage;
      await stage.startPythonWorker();
      await queue.add('flaky', { failures: 2 }, { jobId: 'job', attempts: 3, backoff: 3_600_000 });
      for (const attempt of [1, 2]) {
        const job = await system.jobIn('delayed', queue, 'job');
        const failure = await readFailure(system.redis, job);
        expect(failure).toMatchObject({ kind: 'raised', attempt, message: `attempt ${attempt} failed` });
        expect(failure?.traceback).toBe(job.stacktrace?.at(-1));
        await job.promote();
        await waitFor('the next attempt', async () => ((await queue.getJob('job'))?.attemptsStarted ?? 0) > attempt);
      }
      const done = await system.jobIn('completed', queue, 'job');
      expect(await readFailure(system.redis, done)).toBeUndefined();
    });
  });
});

describe('a record of a failure', () => {
  test('is not told any more when the job is retried, nor when BullMQ fails it then', async () => {
    await twins.inPython(async (stage) => {
      const { queue, system } = stage;
      const worker = await stage.startPythonWorker();
      await queue.add('fail', { message: 'x' }, { jobId: 'job' });
      await failureOf(stage, 'job');
      await worker.close();
      const job = await system.jobIn('failed', queue, 'job');
      await job.retry();
      expect(await system.redis.hexists(queue.toKey('job'), 'bridgeFailure')).toBe(1);
      expect(await readFailure(system.redis, job)).toBeUndefined();
      await stage.startNodeWorker();
      const failed = await system.jobIn('failed', queue, 'job');
      expect(failed.failedReason).toBe('x');
      expect(await readFailure(system.redis, failed)).toBeUndefined();
    });
  });

  test('tells of the second time when the job is retried and fails alike', async () => {
    await twins.inPython(async (stage) => {
      const { queue, system } = stage;
      await stage.startPythonWorker();
      await queue.add('fail', { message: 'x' }, { jobId: 'job' });
      expect((await failureOf(stage, 'job'))?.attempt).toBe(1);
      await (await system.jobIn('failed', queue, 'job')).retry();
      await waitFor('the second failure', async () => (await queue.getJob('job'))?.attemptsMade === 2);
      expect((await failureOf(stage, 'job'))?.attempt).toBe(2);
    });
  });
});
