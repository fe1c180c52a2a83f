import { describe, expect, test } from 'vitest';
import { readFailure } from '../../src/bridge/index.js';
import { isAlive } from '../support/processes.js';
import { waitFor } from '../support/wait-for.js';
import { useTwins } from './twins.js';

const REASON = 'nicht mehr gebraucht "😀"';
const twins = useTwins();

describe('a job that is cancelled while it runs', () => {
  test('may clean up, and fails for good with the reason', async () => {
    const { seen } = await twins.expectSame(async (stage) => {
      const { queue, gate } = stage;
      const worker = await stage.startWorker();
      await queue.add('hold-or-clean-up', { gate }, { jobId: 'long', attempts: 5, backoff: 10 });
      await stage.jobIn('active', 'long');
      await queue.add('echo', 'next', { jobId: 'next' });
      const found = await worker.cancel('long', REASON);
      await stage.atRest();
      const job = await queue.getJob('long');
      return [found, job?.failedReason, job?.attemptsMade, (await queue.getJobLogs('long')).logs];
    });
    expect(seen).toEqual([true, REASON, 1, ['cleaned up']]);
  });

  test('is not found by a worker that does not run it', async () => {
    const { seen } = await twins.expectSame(async (stage) => {
      const worker = await stage.startWorker();
      await stage.queue.add('echo', 1, { jobId: 'done' });
      await stage.atRest();
      return [await worker.cancel('done', REASON), await worker.cancel('unheard-of', REASON)];
    });
    expect(seen).toEqual([false, false]);
  });

  test('is told apart by the kind of its failure', async () => {
    await twins.inPython(async (stage) => {
      const worker = await stage.startPythonWorker();
      await stage.queue.add('hold', { gate: stage.gate }, { jobId: 'long', attempts: 5 });
      await stage.jobIn('active', 'long');
      await worker.cancel('long', REASON);
      const job = await stage.system.jobIn('failed', stage.queue, 'long');
      expect(await readFailure(stage.system.redis, job)).toMatchObject({
        kind: 'cancelled',
        message: REASON,
        attempt: 1,
      });
      expect(worker.events('failed')).toMatchObject([{ job: 'long', details: { state: 'failed' } }]);
    });
  });

  test('has its process killed, and the slot goes on with another', async () => {
    await twins.inPython(async (stage) => {
      const worker = await stage.startPythonWorker({ pool: 'process' });
      const [process = 0] = await worker.children();
      await stage.queue.add('hold', { gate: stage.gate }, { jobId: 'long', attempts: 5 });
      await stage.jobIn('active', 'long');
      expect(await worker.cancel('long', REASON)).toBe(true);
      expect(isAlive(process)).toBe(false);
      const job = await stage.system.jobIn('failed', stage.queue, 'long');
      expect(await readFailure(stage.system.redis, job)).toMatchObject({ kind: 'cancelled', message: REASON });
      await stage.queue.add('echo', 'next', { jobId: 'next' });
      await stage.jobIn('completed', 'next');
      expect(worker.events('lock_lost')).toEqual([]);
    });
  });

  test('fails when its thread has ended, which nobody can stop', async () => {
    await twins.inPython(async (stage) => {
      const worker = await stage.startPythonWorker({ pool: 'thread' });
      await stage.queue.add('hold', { gate: stage.gate }, { jobId: 'long', attempts: 5 });
      await stage.jobIn('active', 'long');
      const cancelled = worker.cancel('long', REASON);
      await stage.queue.add('echo', 'next', { jobId: 'next' });
      await stage.openGate();
      expect(await cancelled).toBe(true);
      const job = await stage.system.jobIn('failed', stage.queue, 'long');
      expect(await readFailure(stage.system.redis, job)).toMatchObject({ kind: 'cancelled', message: REASON });
      await stage.jobIn('completed', 'next');
    });
  });

  test('is cancelled once', async () => {
    await twins.inPython(async (stage) => {
      const worker = await stage.startPythonWorker();
      await stage.queue.add('hold', { gate: stage.gate }, { jobId: 'long' });
      await stage.jobIn('active', 'long');
      const answers = await Promise.all([worker.cancel('long', 'first'), worker.cancel('long', 'second')]);
      expect(answers).toEqual([true, false]);
      const job = await stage.system.jobIn('failed', stage.queue, 'long');
      expect(job.failedReason).toBe('first');
    });
  });

  test('fails its parent as its options say', async () => {
    await twins.expectSame(async (stage) => {
      const { queue, gate } = stage;
      await stage.flows.add({
        name: 'echo',
        queueName: queue.name,
        opts: { jobId: 'parent' },
        children: [
          {
            name: 'hold-or-clean-up',
            data: { gate },
            queueName: queue.name,
            opts: { jobId: 'child', failParentOnFailure: true },
          },
        ],
      });
      const worker = await stage.startWorker();
      await stage.jobIn('active', 'child');
      await worker.cancel('child', REASON);
      await waitFor('end of the parent', async () => (await queue.getJobState('parent')) === 'failed');
      await stage.atRest();
    });
  });
});
