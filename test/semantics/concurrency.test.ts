import { describe, expect, test } from 'vitest';
import { readStream } from '../support/event-stream.js';
import { waitFor } from '../support/wait-for.js';
import { type Stage, useTwins } from './twins.js';

const twins = useTwins();

async function addHeld({ queue, gate }: Stage, count: number): Promise<void> {
  await queue.addBulk(Array.from({ length: count }, () => ({ name: 'hold', data: { gate } })));
}

/** How many jobs ran beside each other after each start. */
async function sideBySide({ system, queue }: Stage): Promise<number[]> {
  let running = 0;
  const counts: number[] = [];
  for (const { event } of await readStream(system.redis, queue)) {
    if (event === 'active') counts.push(++running);
    if (event === 'completed') running--;
  }
  return counts;
}

describe.each(['async', 'thread', 'process'] as const)('the concurrency of a worker (%s)', (pool) => {
  test('that is raised lets waiting jobs start at once', async () => {
    await twins.inPython(async (stage) => {
      const worker = await stage.startPythonWorker({ pool });
      await addHeld(stage, 4);
      await stage.countOf('active', 1);
      await worker.setConcurrency(3);
      await stage.countOf('active', 3);
      await stage.openGate(4);
      await stage.atRest();
      expect(Math.max(...(await sideBySide(stage)))).toBe(3);
    });
  });

  test('that is lowered lets running jobs end, and no more start than it says', async () => {
    await twins.inPython(async (stage) => {
      const worker = await stage.startPythonWorker({ pool, concurrency: 3 });
      await addHeld(stage, 6);
      await stage.countOf('active', 3);
      await worker.setConcurrency(1);
      await stage.openGate(6);
      await stage.atRest();
      expect(await sideBySide(stage)).toEqual([1, 2, 3, 1, 1, 1]);
      expect(await stage.queue.getCompletedCount()).toBe(6);
    });
  });

  test('that is lowered and raised again while jobs run gives each slot one job', async () => {
    await twins.inPython(async (stage) => {
      const worker = await stage.startPythonWorker({ pool, concurrency: 3 });
      await addHeld(stage, 6);
      await stage.countOf('active', 3);
      await worker.setConcurrency(1);
      await worker.setConcurrency(4);
      await stage.countOf('active', 4);
      await stage.openGate(6);
      await stage.atRest();
      expect(Math.max(...(await sideBySide(stage)))).toBe(4);
    });
  });

  test('that changes while jobs come and go loses none and runs none twice', async () => {
    await twins.inPython(async (stage) => {
      const worker = await stage.startPythonWorker({ pool, concurrency: 2 });
      const rounds = pool === 'process' ? 4 : 20;
      for (let round = 0; round < rounds; round++) {
        await Promise.all([
          stage.queue.addBulk(Array.from({ length: 5 }, () => ({ name: 'echo', data: round }))),
          worker.setConcurrency(1 + (round % 4)),
        ]);
      }
      await stage.atRest();
      const stream = await readStream(stage.system.redis, stage.queue);
      expect(stream.filter(({ event }) => event === 'completed')).toHaveLength(5 * rounds);
      expect(worker.events('error')).toEqual([]);
      expect(worker.events('lock_lost')).toEqual([]);
    });
  });
});

describe('the concurrency of a worker', () => {
  test('that is lowered while a slot waits for work leaves the work to others', async () => {
    await twins.inPython(async (stage) => {
      const lowered = await stage.startPythonWorker({ concurrency: 2, name: 'lowered' });
      await addHeld(stage, 1);
      await stage.countOf('active', 1);
      await stage.system.workerIsIdle(stage.queue.name, 'lowered');
      await stage.startPythonWorker({ name: 'other' });
      await stage.system.workerIsIdle(stage.queue.name, 'other');
      await lowered.setConcurrency(1);
      // The lowered worker is the first in the line for the marker, and has no slot for what it announces.
      const job = await stage.queue.add('echo', 'for the other');
      const done = await stage.system.jobIn('completed', stage.queue, job.id);
      expect(done.processedBy).toBe('other');
      await stage.openGate();
      await stage.allSettled();
    });
  });

  test('is the number of its processes', async () => {
    await twins.inPython(async (stage) => {
      const worker = await stage.startPythonWorker({ pool: 'process' });
      const [first] = await worker.children();
      await worker.setConcurrency(3);
      await waitFor('three processes', async () => (await worker.children()).length === 3);
      await worker.setConcurrency(1);
      await waitFor('one process', async () => (await worker.children()).length === 1);
      expect(await worker.children()).toEqual([first]);
    });
  });

  test('must be at least 1', async () => {
    await twins.inPython(async (stage) => {
      const worker = await stage.startPythonWorker();
      await expect(worker.setConcurrency(0)).rejects.toThrow(/must be greater than 0/);
    });
  });

  test('may be changed as that of BullMQ may', async () => {
    await twins.expectSame(async (stage) => {
      // Which of two jobs that run side by side ends first is no matter of the worker.
      stage.leftOut.push('events', 'completed');
      const worker = await stage.startWorker();
      await addHeld(stage, 1);
      await stage.countOf('active', 1);
      await worker.setConcurrency(3);
      await stage.openGate();
      await stage.allSettled();
      await addHeld(stage, 5);
      await stage.countOf('active', 3);
      await worker.setConcurrency(2);
      await stage.openGate(5);
      await stage.atRest();
      const counts = await sideBySide(stage);
      return [Math.max(...counts), counts.slice(-2).every((count) => count <= 2)];
    });
  });
});

describe('the concurrency of a queue', () => {
  test('holds for a worker of BullMQ and one of Python together', async () => {
    await twins.inPython(async (stage) => {
      await stage.queue.setGlobalConcurrency(2);
      await stage.startPythonWorker({ concurrency: 3 });
      await stage.startNodeWorker({ concurrency: 3 });
      await addHeld(stage, 8);
      await stage.countOf('active', 2);
      await stage.openGate(8);
      await stage.allSettled();
      expect(Math.max(...(await sideBySide(stage)))).toBe(2);
      expect(await stage.queue.getCompletedCount()).toBe(8);
    });
  });

  test('that is changed while workers run is obeyed by both', async () => {
    await twins.expectSame(async (stage) => {
      // Which of two jobs that run side by side ends first is no matter of the worker.
      stage.leftOut.push('events', 'completed');
      await stage.queue.setGlobalConcurrency(1);
      await stage.startWorker({ concurrency: 4 });
      await addHeld(stage, 5);
      await stage.countOf('active', 1);
      await stage.queue.setGlobalConcurrency(3);
      await stage.openGate();
      await stage.countOf('active', 3);
      await stage.openGate(4);
      await stage.atRest();
      return Math.max(...(await sideBySide(stage)));
    });
  });
});
