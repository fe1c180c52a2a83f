import { describe, expect, test } from 'vitest';
import { readStream } from '../support/event-stream.js';
import { type Stage, useTwins } from './twins.js';

const twins = useTwins();

/** Workers that ran jobs, in order. */
async function runners({ queue }: Stage, ids: readonly string[]): Promise<(string | undefined)[]> {
  const jobs = await Promise.all(ids.map((id) => queue.getJob(id)));
  return jobs.map((job) => job?.processedBy);
}

describe('a worker that is paused', () => {
  test('lets its job end and fetches none; resumed, it goes on', async () => {
    const { seen } = await twins.expectSame(async (stage) => {
      const { queue, gate } = stage;
      await queue.addBulk([
        { name: 'hold', data: { gate }, opts: { jobId: 'running' } },
        { name: 'echo', data: 1, opts: { jobId: 'next' } },
        { name: 'echo', data: 2, opts: { jobId: 'prioritised', priority: 1 } },
      ]);
      const worker = await stage.startWorker();
      await stage.jobIn('active', 'running');
      await worker.pause();
      await stage.openGate();
      await stage.jobIn('completed', 'running');
      const waiting = await queue.getJobCountByTypes('waiting', 'prioritized');
      await worker.resume();
      await stage.atRest();
      return waiting;
    });
    expect(seen).toBe(2);
  });

  test('lets its job be tried again, and does not take it', async () => {
    const { seen } = await twins.expectSame(async (stage) => {
      const { queue, gate } = stage;
      await queue.add('hold-and-fail', { gate }, { jobId: 'again', attempts: 2 });
      const worker = await stage.startWorker();
      await stage.jobIn('active', 'again');
      await worker.pause();
      await stage.openGate(2);
      await stage.jobIn('waiting', 'again');
      await worker.resume();
      await stage.atRest();
      return (await queue.getJob('again'))?.attemptsMade;
    });
    expect(seen).toBe(2);
  });

  test('takes, when it is resumed, what was added and what fell due meanwhile', async () => {
    await twins.inPython(async (stage) => {
      const worker = await stage.startPythonWorker();
      await stage.queue.add('echo', 1, { jobId: 'due', delay: 20 });
      await worker.pause();
      await stage.queue.add('echo', 1, { jobId: 'added' });
      await stage.queue.add('echo', 1, { jobId: 'later', delay: 300 });
      await worker.pause(); // once more changes nothing
      await worker.resume();
      await stage.jobIn('completed', 'later');
      await stage.allSettled();
      expect(worker.events('paused')).toHaveLength(1);
      expect(worker.events('resumed')).toHaveLength(1);
    });
  });

  test('leaves new jobs to another worker at once', async () => {
    await twins.inPython(async (stage) => {
      const paused = await stage.startPythonWorker({ name: 'paused' });
      await stage.system.workerIsIdle(stage.queue.name, 'paused');
      await stage.startPythonWorker({ name: 'other' });
      await stage.system.workerIsIdle(stage.queue.name, 'other');
      await paused.pause();
      const ids = ['plain', 'prioritised', 'in a moment'];
      await stage.queue.add('echo', 1, { jobId: 'plain' });
      await stage.queue.add('echo', 1, { jobId: 'prioritised', priority: 4 });
      await stage.queue.add('echo', 1, { jobId: 'in a moment', delay: 50 });
      for (const id of ids) await stage.jobIn('completed', id);
      expect(await runners(stage, ids)).toEqual(['other', 'other', 'other']);
    });
  });

  test('leaves what waited for it to another worker at once', async () => {
    await twins.inPython(async (stage) => {
      const paused = await stage.startPythonWorker({ name: 'paused' });
      await stage.queue.addBulk([
        { name: 'hold', data: { gate: stage.gate }, opts: { jobId: 'running' } },
        { name: 'echo', data: 1, opts: { jobId: 'waiting' } },
        { name: 'echo', data: 1, opts: { jobId: 'prioritised', priority: 2 } },
      ]);
      await stage.jobIn('active', 'running');
      await paused.pause();
      await stage.startPythonWorker({ name: 'other' });
      await stage.jobIn('completed', 'waiting');
      await stage.jobIn('completed', 'prioritised');
      await stage.openGate();
      await stage.allSettled();
      expect(await runners(stage, ['running', 'waiting', 'prioritised'])).toEqual(['paused', 'other', 'other']);
    });
  });

  test.each(['python', 'node'] as const)(
    'at the very moment at which a job is added loses no wake-up of another (%s)',
    async (language) => {
      await twins.inPython(async (stage) => {
        const { queue, system } = stage;
        const paused = await stage.startPythonWorker({ name: 'paused' });
        const other = { name: 'other' };
        await (language === 'node' ? stage.startNodeWorker(other) : stage.startPythonWorker(other));
        for (let round = 0; round < 25; round++) {
          await system.workerIsIdle(queue.name, 'paused');
          await system.workerIsIdle(queue.name, 'other');
          const jobId = `job-${round}`;
          const priority = round % 2;
          const moves = [() => paused.pause(), () => queue.add('echo', round, { jobId, priority })];
          await Promise.all((round % 3 === 0 ? moves.reverse() : moves).map((move) => move()));
          await stage.jobIn('completed', jobId);
          await paused.resume();
        }
        const stream = await readStream(system.redis, queue);
        expect(stream.filter(({ event }) => event === 'completed')).toHaveLength(25);
      });
    },
  );
});
