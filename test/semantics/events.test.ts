import { Worker } from 'bullmq';
import { describe, expect, test } from 'vitest';
import { waitFor } from '../support/wait-for.js';
import type { BusEvent } from './python-host.js';
import type { HostedWorker } from './python-worker.js';
import { type Stage, useTwins } from './twins.js';

const twins = useTwins();

/** Waits until a worker has told so many events of a kind. */
async function told(worker: HostedWorker, event: string, count = 1): Promise<readonly BusEvent[]> {
  await waitFor(`${count} times ${event}`, () => worker.events(event).length >= count, {
    state: () => worker.events().map((each) => each.event),
  });
  return worker.events(event);
}

/** Has a job taken by a worker that vanishes, and its lock expire. */
async function vanishWith({ queue, system }: Stage): Promise<void> {
  const worker = new Worker(queue.name, null, { connection: system.redis, prefix: system.prefix });
  await worker.waitUntilReady();
  const job = await worker.getNextJob('vanished:0', { block: false });
  await worker.close();
  await system.redis.del(queue.toKey(`${job?.id}:lock`));
}

describe('the bus of a worker', () => {
  test('tells the life of a worker and of its jobs, in order', async () => {
    await twins.inPython(async (stage) => {
      const { queue, gate } = stage;
      const worker = await stage.startPythonWorker({ concurrency: 1 });
      await told(worker, 'drained');
      await queue.add('report', { gate, lockMs: 30_000 }, { jobId: 'good' });
      await stage.openGate();
      await told(worker, 'drained', 2);
      await queue.add('flaky', { failures: 1 }, { jobId: 'bad', attempts: 2 });
      await told(worker, 'drained', 3);
      await worker.pause();
      await worker.resume();
      await worker.close();
      await told(worker, 'closed');
      expect(worker.told()).toEqual([
        'ready',
        'drained',
        ...['active good', 'progress good', 'completed good', 'drained'],
        ...['active bad', 'failed bad', 'active bad', 'completed bad', 'drained'],
        ...['paused', 'resumed', 'closing', 'closed'],
      ]);
      const details = (event: string) => worker.events(event).map((each) => each.details);
      expect(details('ready')).toMatchObject([{ slots: 1, jobs: expect.arrayContaining(['echo', 'fail']) }]);
      expect(details('progress')).toEqual([{ progress: '{"done":1}' }]);
      expect(details('completed')).toEqual([{ result: '"True"' }, { result: '1' }]);
      expect(details('failed')).toEqual([{ failure: { kind: 'raised', message: 'attempt 1 failed' }, state: 'wait' }]);
    });
  });

  test('tells the same as that of BullMQ', async () => {
    await twins.expectSame(async (stage) => {
      const { queue } = stage;
      const worker = await stage.startWorker();
      const drained = async (times: number) => {
        await waitFor(
          `${times} times drained`,
          () => worker.told().filter((event) => event === 'drained').length >= times,
        );
      };
      await drained(1);
      await queue.add('report-progress', [1, { a: 2 }], { jobId: 'good' });
      await drained(2);
      await queue.add('flaky', { failures: 1 }, { jobId: 'bad', attempts: 2 });
      await drained(3);
      await queue.add('fail', { message: 'x' }, { jobId: 'broken' });
      await stage.atRest();
      await worker.pause();
      await worker.resume();
      await stage.atRest();
      await worker.close();
      await waitFor('the last event', () => worker.told().includes('closed'));
      return worker.told().filter((event) => event !== 'ready');
    });
  });

  test('tells where a failed job went: only "failed" is final', async () => {
    await twins.inPython(async (stage) => {
      const worker = await stage.startPythonWorker();
      await stage.queue.add('fail', { message: 'x' }, { jobId: 'job', attempts: 2, backoff: 10 });
      const failed = await told(worker, 'failed', 2);
      expect(failed.map(({ details }) => details.state)).toEqual(['delayed', 'failed']);
    });
  });

  test('tells what else becomes of jobs: snoozed, waiting_children, rate_limited', async () => {
    await twins.inPython(async (stage) => {
      const { queue } = stage;
      const worker = await stage.startPythonWorker({ limiter: { max: 9, duration: 1 } });
      await queue.add('snooze', { delayMs: 12, times: 1 }, { jobId: 'sleeper' });
      await queue.add('limit', { ttlMs: 13, times: 1 }, { jobId: 'limited' });
      await queue.add('wait-for-children', { gate: stage.gate }, { jobId: 'parent' });
      await stage.jobIn('active', 'parent');
      await queue.add('echo', 1, { parent: { id: 'parent', queue: queue.qualifiedName } });
      await stage.openGate(2);
      await stage.allSettled();
      expect(await told(worker, 'snoozed')).toMatchObject([{ job: 'sleeper', details: { delay_ms: 12 } }]);
      expect(await told(worker, 'rate_limited')).toMatchObject([{ job: 'limited', details: { ttl_ms: 13 } }]);
      expect(await told(worker, 'waiting_children')).toMatchObject([{ job: 'parent' }]);
    });
  });

  test('tells of a job whose worker has vanished: stalled', async () => {
    await twins.inPython(async (stage) => {
      await stage.queue.add('echo', 1, { jobId: 'left behind' });
      await vanishWith(stage);
      const worker = await stage.startPythonWorker({ stalledIntervalMs: 50 });
      expect(await told(worker, 'stalled')).toMatchObject([{ details: { job_id: 'left behind' } }]);
      await stage.jobIn('completed', 'left behind');
    });
  });

  test('tells of a job that is another worker’s by now: lock_lost', async () => {
    await twins.inPython(async (stage) => {
      const { queue, system } = stage;
      const worker = await stage.startPythonWorker({ lockMs: 200 });
      await queue.add('hold', { gate: stage.gate }, { jobId: 'lost' });
      await stage.jobIn('active', 'lost');
      await system.redis.set(queue.toKey('lost:lock'), 'of another worker');
      const [event] = await told(worker, 'lock_lost');
      expect(event).toMatchObject({ job: 'lost', details: { why: expect.any(String) } });
      // Its work was stopped: nobody waits at the gate any more.
      await queue.add('echo', 1, { jobId: 'next' });
      await stage.jobIn('completed', 'next');
      expect(worker.events('failed')).toEqual([]);
    });
  });

  test('tells of a job that is handed back when the worker closes: interrupted', async () => {
    await twins.inPython(async (stage) => {
      const worker = await stage.startPythonWorker({ shutdownTimeoutS: 0 });
      await stage.queue.add('hold', { gate: stage.gate }, { jobId: 'long' });
      await stage.jobIn('active', 'long');
      await worker.close();
      await told(worker, 'closed');
      expect(worker.told().slice(-3)).toEqual(['closing', 'interrupted long', 'closed']);
      expect(await stage.queue.getJobState('long')).toBe('waiting');
      expect((await stage.queue.getJob('long'))?.attemptsMade).toBe(0);
    });
  });

  test('tells of a process that has ended unasked: child_lost', async () => {
    await twins.inPython(async (stage) => {
      const worker = await stage.startPythonWorker({ pool: 'process' });
      await stage.queue.add('die', {}, { jobId: 'deadly' });
      const [event] = await told(worker, 'child_lost');
      expect(event?.details).toMatchObject({ slot: 0, how: expect.stringContaining('exit code 3') });
      await stage.jobIn('failed', 'deadly');
    });
  });

  test('tells what went wrong that is no job’s fault: error', async () => {
    await twins.inPython(async (stage) => {
      const { queue, system } = stage;
      await system.redis.set(queue.toKey('stalled'), 'not a set');
      const worker = await stage.startPythonWorker({ stalledIntervalMs: 50 });
      const [event] = await told(worker, 'error');
      expect(event).toMatchObject({ job: null, details: { what: expect.stringContaining('WRONGTYPE') } });
      await system.redis.del(queue.toKey('stalled'));
      await queue.add('echo', 1, { jobId: 'job' });
      await stage.jobIn('completed', 'job');
    });
  });

  test('goes on when a listener raises', async () => {
    await twins.inPython(async (stage) => {
      const worker = await stage.startPythonWorker();
      await stage.queue.add('echo', 'listener raises', { jobId: 'one' });
      await stage.queue.add('echo', 1, { jobId: 'two' });
      await stage.jobIn('completed', 'two');
      expect((await told(worker, 'completed', 2)).map(({ job }) => job)).toEqual(['one', 'two']);
    });
  });
});
