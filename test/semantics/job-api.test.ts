import { describe, expect, test } from 'vitest';
import { waitFor } from '../support/wait-for.js';
import { useTwins } from './twins.js';

const twins = useTwins();

describe.each(['async', 'thread', 'process'] as const)('a job in Python (%s)', (pool) => {
  test('knows who it is', async () => {
    await twins.inPython(async (stage) => {
      const { queue, system } = stage;
      await stage.startPythonWorker({ pool });
      const flow = await stage.flows.add({
        name: 'echo',
        queueName: queue.name,
        opts: { jobId: 'parent' },
        children: [
          {
            name: 'describe',
            data: { text: 'ü😀' },
            queueName: queue.name,
            opts: { jobId: 'child', priority: 3, attempts: 4, ignoreDependencyOnFailure: true, keepLogs: 7 },
          },
        ],
      });
      await stage.allSettled();
      const job = await queue.getJob('child');
      const stored = await system.redis.hgetall(queue.toKey('child'));
      expect(job?.returnvalue).toEqual({
        id: 'child',
        name: 'describe',
        data: { text: 'ü😀' },
        opts: JSON.parse(stored.opts ?? ''),
        attempts_made: 0,
        attempts_started: 1,
        priority: 3,
        timestamp: job?.timestamp,
        processed_on: job?.processedOn,
        parent_key: queue.toKey(flow.job.id ?? ''),
        parent: { id: flow.job.id, queue_key: queue.qualifiedName },
        token: expect.stringMatching(/^[0-9a-f-]{36}:\d+$/),
      });
    });
  });

  test('reports progress and lines, replaces its data and makes its lock last longer', async () => {
    await twins.inPython(async (stage) => {
      const { queue, system } = stage;
      await stage.startPythonWorker({ pool });
      await queue.add('report', { gate: stage.gate, lockMs: 3_600_000 }, { jobId: 'job' });
      await stage.jobIn('active', 'job');
      await waitFor('a longer lock', async () => (await system.redis.pttl(queue.toKey('job:lock'))) > 3_000_000);
      const job = await queue.getJob('job');
      expect(job?.progress).toEqual({ done: 1 });
      expect(job?.data).toEqual({ gate: stage.gate, lockMs: 3_600_000, seen: true });
      expect((await queue.getJobLogs('job')).logs).toEqual(['Zeile 😀']);
      await stage.openGate();
      await stage.jobIn('completed', 'job');
      expect((await queue.getJob('job'))?.returnvalue).toBe('True');
    });
  });

  test('knows its children: values, failures, those that are pending, and how many', async () => {
    await twins.inPython(async (stage) => {
      const { queue } = stage;
      const elsewhere = stage.system.queue();
      await stage.startPythonWorker({ pool });
      const child = (jobId: string, name: string, opts = {}) => ({
        name,
        data: { message: 'x' },
        queueName: queue.name,
        opts: { jobId, ...opts },
      });
      await stage.flows.add({
        name: 'collect',
        queueName: queue.name,
        opts: { jobId: 'parent' },
        children: [
          child('good', 'echo'),
          child('ignored', 'fail', { ignoreDependencyOnFailure: true }),
          { name: 'echo', queueName: elsewhere.name, opts: { jobId: 'pending' } },
          child('continued', 'fail', { continueParentOnFailure: true }),
        ],
      });
      // It runs when the last of these has failed, and then waits for the one that nobody works.
      await waitFor('a first run of the parent', async () => (await queue.getJob('parent'))?.attemptsStarted === 1);
      await stage.jobIn('waiting-children', 'parent');
      const key = (id: string) => queue.toKey(id);
      await stage.system.nodeWorker(elsewhere.name, async () => 'done');
      await stage.allSettled();
      const values = { [key('good')]: { message: 'x' }, [elsewhere.toKey('pending')]: 'done' };
      const ignored = { [key('ignored')]: 'x', [key('continued')]: 'x' };
      expect((await queue.getJob('parent'))?.returnvalue).toEqual({
        values,
        ignored,
        failed: [],
        dependencies: { processed: values, unprocessed: [], ignored, failed: [] },
        counts: { processed: 2, unprocessed: 0, ignored: 2, failed: 0 },
      });
    });
  });

  test('knows its children as BullMQ does, while some are pending and one has failed', async () => {
    await twins.inPython(async (stage) => {
      const { queue, system } = stage;
      await queue.add('collect', {}, { jobId: 'parent', delay: 3_600_000 });
      const parent = { id: 'parent', queue: queue.qualifiedName };
      const elsewhere = system.queue();
      for (const jobId of ['pending-1', 'pending-2']) await elsewhere.add('echo', 1, { jobId, parent });
      await system.redis.zadd(queue.toKey('parent:unsuccessful'), Date.now(), queue.toKey('broken'));
      await stage.startPythonWorker({ pool });
      const job = await queue.getJob('parent');
      await job?.promote();
      await stage.jobIn('failed', 'parent');
      const { processed, unprocessed, ignored, failed } = (await job?.getDependencies()) ?? {};
      const { logs } = await queue.getJobLogs('parent');
      const known = JSON.parse(logs[0] ?? '');
      expect(known).toEqual({
        values: processed,
        ignored,
        failed,
        dependencies: { processed, unprocessed: expect.any(Array), ignored, failed },
        counts: await job?.getDependenciesCount(),
      });
      expect(known.failed).toEqual([queue.toKey('broken')]);
      expect(known.dependencies.unprocessed.toSorted()).toEqual(unprocessed?.toSorted());
      expect(known.counts).toEqual({ processed: 0, unprocessed: 2, ignored: 0, failed: 1 });
    });
  });

  test.each(['delayed', 'waiting-children'])('leaves by a method of its own: %s', async (how) => {
    await twins.inPython(async (stage) => {
      const { queue } = stage;
      await queue.add('leave', { how }, { jobId: 'job', delay: 3_600_000 });
      await queue.add('echo', 1, { jobId: 'child', parent: { id: 'job', queue: queue.qualifiedName } });
      const worker = await stage.startPythonWorker({ pool });
      await (await queue.getJob('job'))?.promote();
      await stage.allSettled();
      const job = await queue.getJob('job');
      expect(job?.returnvalue).toBe('back');
      expect(job?.attemptsMade).toBe(1);
      expect(worker.events('lock_lost')).toEqual([]);
    });
  });
});
