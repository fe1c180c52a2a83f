import type { JobsOptions } from 'bullmq';
import { describe, expect, test } from 'vitest';
import { waitFor } from '../support/wait-for.js';
import { type Stage, useTwins } from './twins.js';

const twins = useTwins();
const PARENT = 'parent';

/** Adds a child to a job that runs. */
async function addChild(
  { queue }: Stage,
  jobId: string,
  name: string,
  opts: JobsOptions = {},
  data: unknown = { message: 'of the child' },
): Promise<void> {
  const parent = { id: PARENT, queue: queue.qualifiedName };
  await queue.add(name, data, { jobId, parent, ...opts });
}

/** Starts a worker, and a job that runs until the gate opens and then waits for its children. */
async function startParent({ queue, gate, startWorker, jobIn }: Stage, opts: JobsOptions = {}, concurrency = 1) {
  await queue.add('wait-for-children', { gate }, { jobId: PARENT, ...opts });
  await startWorker({ concurrency });
  await jobIn('active', PARENT);
}

describe('a job with steps', () => {
  test('goes on from the data that its last run has left: it sleeps, then waits for a child, then ends', async () => {
    await twins.expectSame(async (stage) => {
      const { queue, system } = stage;
      const data = { delayMs: 40, prefix: system.prefix, queue: queue.name };
      await queue.add('steps', data, { jobId: PARENT, attempts: 2 });
      await stage.startWorker();
      await stage.atRest();
      const job = await queue.getJob(PARENT);
      return [job?.attemptsMade, job?.attemptsStarted];
    });
  });

  test('that sleeps again and again is charged no attempt', async () => {
    const { seen } = await twins.expectSame(async (stage) => {
      await stage.queue.add('snooze', { delayMs: 15, times: 3 }, { jobId: 'sleeper', attempts: 2, priority: 4 });
      await stage.startWorker();
      await stage.atRest();
      const job = await stage.queue.getJob('sleeper');
      return [job?.attemptsMade, job?.attemptsStarted];
    });
    expect(seen).toEqual([1, 4]);
  });
});

describe('a job that waits for children which it has got while it ran', () => {
  test('goes on at once when it has none', async () => {
    await twins.expectSame(async (stage) => {
      await startParent(stage);
      await stage.openGate();
      await stage.atRest();
    });
  });

  test('runs again when they have completed', async () => {
    await twins.expectSame(async (stage) => {
      await startParent(stage);
      await addChild(stage, 'one', 'echo');
      await addChild(stage, 'two', 'echo', { priority: 2 });
      await stage.openGate(2);
      await stage.atRest();
      return (await stage.queue.getJob(PARENT))?.attemptsStarted;
    });
  });

  test('goes on at once when they have completed meanwhile', async () => {
    await twins.expectSame(async (stage) => {
      await startParent(stage, {}, 2);
      await addChild(stage, 'one', 'echo');
      await stage.jobIn('completed', 'one');
      await stage.openGate();
      await stage.atRest();
      return (await stage.queue.getJob(PARENT))?.attemptsStarted;
    });
  });

  test('fails for good when one that it depends on has failed meanwhile', async () => {
    const { seen } = await twins.expectSame(async (stage) => {
      await startParent(stage, { attempts: 3 }, 2);
      await addChild(stage, 'one', 'fail', { failParentOnFailure: true });
      await stage.jobIn('failed', 'one');
      await stage.openGate();
      await stage.atRest();
      const job = await stage.queue.getJob(PARENT);
      return [job?.attemptsMade, job?.failedReason];
    });
    expect(seen).toEqual([1, expect.stringContaining('at least one failed child')]);
  });

  test('fails when one fails that it depends on', async () => {
    await twins.expectSame(async (stage) => {
      await startParent(stage, { attempts: 3 });
      await addChild(stage, 'one', 'fail', { failParentOnFailure: true });
      await addChild(stage, 'two', 'echo');
      await stage.openGate();
      await stage.atRest();
    });
  });

  test('runs again at once when one fails that lets it continue', async () => {
    await twins.expectSame(async (stage) => {
      const { queue } = stage;
      await startParent(stage);
      await addChild(stage, 'one', 'fail', { continueParentOnFailure: true });
      await addChild(stage, 'two', 'echo', { delay: 3_600_000 });
      await stage.openGate();
      await waitFor('second start', async () => (await queue.getJob(PARENT))?.attemptsStarted === 2);
      // Its second run has still a child to wait for.
      await stage.openGate();
      await stage.jobIn('waiting-children', PARENT);
      await (await queue.getJob('two'))?.promote();
      await stage.openGate();
      await stage.atRest();
    });
  });

  test.each(['ignoreDependencyOnFailure', 'removeDependencyOnFailure'] as const)(
    'runs again when all have ended, one of them with %s',
    async (policy) => {
      await twins.expectSame(async (stage) => {
        await startParent(stage);
        await addChild(stage, 'one', 'fail', { [policy]: true, attempts: 2 });
        await addChild(stage, 'two', 'echo');
        await stage.openGate(2);
        await stage.atRest();
      });
    },
  );

  test('is not run again before its last run has ended', async () => {
    await twins.inPython(async (stage) => {
      const { system, queue } = stage;
      const worker = await stage.startPythonWorker({ pool: 'async', concurrency: 3 });
      const [late, ofChild] = [`${system.prefix}:late`, `${system.prefix}:of-child`];
      await queue.add('linger', { gate: stage.gate, late }, { jobId: PARENT });
      await stage.jobIn('active', PARENT);
      await addChild(stage, 'one', 'hold', {}, { gate: ofChild });
      await stage.openGate();
      await stage.jobIn('waiting-children', PARENT);
      await system.redis.rpush(ofChild, 'open');
      // It is back from its children, and fetched, while its first run goes on.
      await waitFor('second start', async () => (await queue.getJob(PARENT))?.attemptsStarted === 2);
      await queue.add('echo', 'beside', { jobId: 'beside' });
      await stage.jobIn('completed', 'beside');
      expect(worker.events('active').filter(({ job }) => job === PARENT)).toHaveLength(1);
      await system.redis.rpush(late, 'open');
      await stage.allSettled();
      expect((await queue.getJob(PARENT))?.returnvalue).toBe('start 2');
      expect(worker.events('lock_lost')).toEqual([]);
    });
  });
});

describe('a job that returns while a child of it is pending', () => {
  test('waits for it and runs again, charged no attempt', async () => {
    await twins.inPython(async (stage) => {
      await stage.queue.add('hold', { gate: stage.gate }, { jobId: PARENT });
      await stage.startWorker();
      await stage.jobIn('active', PARENT);
      await addChild(stage, 'one', 'echo');
      await stage.openGate(2);
      await stage.atRest();
      const job = await stage.queue.getJob(PARENT);
      expect([job?.returnvalue, job?.attemptsMade, job?.attemptsStarted]).toEqual(['released', 1, 2]);
    });
  });
});
