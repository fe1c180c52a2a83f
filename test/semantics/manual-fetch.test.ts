import { fileURLToPath } from 'node:url';
import { type Job, type JobsOptions, Worker } from 'bullmq';
import { describe, expect, test } from 'vitest';
import { readFailure } from '../../src/bridge/index.js';
import { waitFor } from '../support/wait-for.js';
import { type GivenJob, JobSource } from './job-source.js';
import { type Stage, useTwins } from './twins.js';

const SCHEMAS = fileURLToPath(new URL('../../schemas', import.meta.url));
const TOKEN = 'by hand';
const twins = useTwins();

/** Takes jobs by hand, in either language. */
interface Hand {
  next(): Promise<{ id: string } | undefined>;
  complete(id: string, result: unknown): Promise<void>;
  fail(id: string, message: string): Promise<void>;
  giveBack(id: string): Promise<void>;
  close(): Promise<void>;
}

async function pythonHand({ system, queue }: Stage): Promise<Hand> {
  const source = await JobSource.open(twins.host, system, queue);
  const jobs = new Map<string, GivenJob>();
  const end = async (id: string, how: string, ...args: unknown[]) => {
    await source.end(jobs.get(id) as GivenJob, how, ...args);
  };
  return {
    next: async () => {
      const job = await source.next(0);
      if (job === null) return undefined;
      jobs.set(job.id, job);
      return job;
    },
    complete: (id, result) => end(id, 'complete', result),
    fail: (id, message) => end(id, 'fail', message),
    giveBack: (id) => end(id, 'give_back'),
    close: () => source.close(),
  };
}

async function nodeHand({ system, queue }: Stage): Promise<Hand> {
  const worker = new Worker(queue.name, null, { connection: system.redis, prefix: system.prefix });
  await worker.waitUntilReady();
  await worker.startStalledCheckTimer();
  const jobs = new Map<string, Job>();
  const get = (id: string) => jobs.get(id) as Job;
  return {
    next: async () => {
      const job = await worker.getNextJob(TOKEN, { block: false });
      if (job?.id === undefined) return undefined;
      jobs.set(job.id, job);
      return { id: job.id };
    },
    complete: async (id, result) => {
      await get(id).moveToCompleted(result, TOKEN, false);
    },
    fail: async (id, message) => {
      await get(id).moveToFailed(new Error(message), TOKEN, false);
    },
    giveBack: async (id) => {
      await get(id).moveToWait(TOKEN);
    },
    close: () => worker.close(),
  };
}

async function handOf(stage: Stage): Promise<Hand> {
  return stage.language === 'python' ? pythonHand(stage) : nodeHand(stage);
}

async function addAll({ queue }: Stage, jobs: [name: string, opts: JobsOptions][]): Promise<void> {
  await queue.addBulk(jobs.map(([jobId, opts]) => ({ name: 'any', data: jobId, opts: { jobId, ...opts } })));
}

describe('jobs that are taken by hand', () => {
  test('come in the order of the queue, and go where they are put, as with BullMQ', async () => {
    const { seen } = await twins.expectSame(async (stage) => {
      stage.leftOut.push('marker');
      await addAll(stage, [
        ['plain', {}],
        ['low', { priority: 9 }],
        ['high', { priority: 1 }],
        ['failing', { attempts: 2, backoff: 3_600_000, removeOnFail: true }],
        ['failing for good', {}],
        ['delayed-job', { delay: 3_600_000 }],
        ['removed', { removeOnComplete: true }],
      ]);
      const hand = await handOf(stage);
      const order: unknown[] = [];
      for (let job = await hand.next(); job !== undefined; job = await hand.next()) {
        order.push(job.id);
        if (job.id.startsWith('failing')) await hand.fail(job.id, 'so gewollt "😀"');
        else await hand.complete(job.id, { of: job.id });
      }
      await hand.close();
      return order;
    });
    expect(seen).toEqual(['plain', 'failing', 'failing for good', 'removed', 'high', 'low']);
  });

  test('may be held several at a time, and put back', async () => {
    await twins.expectSame(async (stage) => {
      stage.leftOut.push('marker');
      await addAll(stage, [
        ['one', {}],
        ['two', {}],
        ['three', {}],
      ]);
      const hand = await handOf(stage);
      const [one, two] = [await hand.next(), await hand.next()];
      await hand.giveBack(two?.id ?? '');
      await hand.complete(one?.id ?? '', null);
      const again = await hand.next();
      await hand.complete(again?.id ?? '', null);
      await hand.close();
      const job = await stage.queue.getJob('two');
      return [one?.id, two?.id, again?.id, job?.attemptsMade, job?.attemptsStarted];
    });
  });

  test('of a scheduler have the next one written before they are given out', async () => {
    await twins.inPython(async (stage) => {
      const { system, queue } = stage;
      await queue.upsertJobScheduler('tick', { every: 3_600_000 }, { name: 'any', data: 1 });
      const source = await JobSource.open(twins.host, system, queue);
      const job = await source.next(0);
      expect(job?.name).toBe('any');
      expect(await queue.getDelayedCount()).toBe(1);
      expect((await queue.getJobScheduler('tick'))?.iterationCount).toBe(2);
      await source.close();
    });
  });
});

describe('a source of jobs', () => {
  test('waits until a job is added, is due, or may start', async () => {
    await twins.inPython(async (stage) => {
      const { system, queue } = stage;
      const source = await JobSource.open(twins.host, system, queue, { limiter: { max_jobs: 2, duration_ms: 200 } });
      expect(await source.next(0)).toBeNull();
      expect(await source.next(0.05)).toBeNull();
      const first = source.take();
      await system.workerIsIdle(queue.name);
      await addAll(stage, [['added', {}]]);
      expect((await first).id).toBe('added');
      const second = source.take();
      await addAll(stage, [['due', { delay: 60 }]]);
      expect((await second).id).toBe('due');
      await addAll(stage, [['limited', {}]]);
      expect(await source.next(0)).toBeNull();
      expect((await source.take()).id).toBe('limited');
      await source.close();
    });
  });

  test('gives a job to each of those who wait', async () => {
    await twins.inPython(async (stage) => {
      const { system, queue } = stage;
      const source = await JobSource.open(twins.host, system, queue);
      const waiting = [source.take(), source.take(), source.take()];
      await system.workerIsIdle(queue.name);
      await addAll(stage, [
        ['a', {}],
        ['b', {}],
        ['c', {}],
      ]);
      const jobs = await Promise.all(waiting);
      expect(jobs.map(({ id }) => id).sort()).toEqual(['a', 'b', 'c']);
      expect(new Set(jobs.map(({ token }) => token)).size).toBe(3);
      for (const job of jobs) expect(await source.end(job, 'complete', 1)).toBe('completed');
      await source.close();
    });
  });

  test('takes no job before somebody asks, and none for those who have stopped waiting', async () => {
    await twins.inPython(async (stage) => {
      const { system, queue } = stage;
      const source = await JobSource.open(twins.host, system, queue);
      expect(await source.giveUp(0.02)).toBeNull();
      await addAll(stage, [
        ['one', {}],
        ['two', {}],
      ]);
      const job = await source.take();
      await source.end(job, 'complete', 1);
      expect(await queue.getJobCounts('waiting', 'active', 'completed')).toEqual({
        waiting: 1,
        active: 0,
        completed: 1,
      });
      await source.close();
    });
  });

  test('loses none, however often somebody stops waiting at the wrong moment', async () => {
    await twins.inPython(async (stage) => {
      const { system, queue } = stage;
      const source = await JobSource.open(twins.host, system, queue);
      for (let round = 0; round < 20; round++) {
        const gaveUp = source.giveUp(0.002 + round / 5_000);
        await addAll(stage, [[`job-${round}`, {}]]);
        await source.end((await gaveUp) ?? (await source.take()), 'complete', round);
      }
      expect(await queue.getJobCounts('waiting', 'active', 'completed')).toEqual({
        waiting: 0,
        active: 0,
        completed: 20,
      });
      await source.close();
    });
  });

  test('puts a job back that arrives when nobody waits for it any more', async () => {
    await twins.inPython(async (stage) => {
      const { system, queue } = stage;
      const source = await JobSource.open(twins.host, system, queue);
      await addAll(stage, [['late', { priority: 2 }]]);
      // Given up before Redis can answer.
      expect(await source.giveUp(0)).toBeNull();
      const job = await source.take();
      expect(job).toMatchObject({ id: 'late', attempts_made: 0, attempts_started: 2 });
      await source.end(job, 'complete', 1);
      await source.close();
    });
  });

  test('keeps the lock of a job that is held, and says when it is lost', async () => {
    await twins.inPython(async (stage) => {
      const { system, queue } = stage;
      const source = await JobSource.open(twins.host, system, queue, { lock_duration_ms: 200 });
      await addAll(stage, [
        ['kept', {}],
        ['lost', {}],
      ]);
      const [kept, lost] = [await source.take(), await source.take()];
      await system.redis.set(queue.toKey('lost:lock'), 'of another worker', 'PX', 60_000);
      await waitFor('the loss', () => source.events('lock_lost').length === 1);
      await expect(source.end(lost, 'complete', 1)).rejects.toThrow(/JobNotHeld/);
      expect(await source.end(kept, 'complete', 1)).toBe('completed');
      await expect(source.end(kept, 'complete', 1)).rejects.toThrow(/JobNotHeld/);
      await source.close();
    });
  });

  test('notices when a job is settled whose lock is gone', async () => {
    await twins.inPython(async (stage) => {
      const { system, queue } = stage;
      const source = await JobSource.open(twins.host, system, queue);
      await addAll(stage, [['lost', {}]]);
      const job = await source.take();
      await system.redis.del(queue.toKey('lost:lock'));
      await expect(source.end(job, 'fail', 'too late')).rejects.toThrow(
        /JobNotHeld: job lost was not settled: its lock/,
      );
      await source.close();
    });
  });

  test('makes a lock last longer', async () => {
    await twins.inPython(async (stage) => {
      const { system, queue } = stage;
      const source = await JobSource.open(twins.host, system, queue);
      await addAll(stage, [['long', {}]]);
      const job = await source.take();
      await source.end(job, 'extend_lock', 3_600_000);
      expect(await system.redis.pttl(queue.toKey('long:lock'))).toBeGreaterThan(3_000_000);
      await source.end(job, 'complete', 1);
      await source.close();
    });
  });

  test('lets jobs sleep, wait for children and be tried again', async () => {
    await twins.inPython(async (stage) => {
      const { system, queue } = stage;
      const source = await JobSource.open(twins.host, system, queue);
      await addAll(stage, [
        ['sleeper', {}],
        ['parent', {}],
        ['again', { attempts: 2 }],
      ]);
      const [sleeper, parent, again] = [await source.take(), await source.take(), await source.take()];
      expect(await source.end(sleeper, 'snooze', 3_600)).toBe('delayed');
      expect(await source.end(parent, 'wait_for_children')).toBe('wait');
      const parentAgain = await source.take();
      expect(parentAgain).toMatchObject({ id: 'parent', attempts_made: 0, attempts_started: 2 });
      await queue.add('any', 1, {
        jobId: 'child',
        parent: { id: 'parent', queue: queue.qualifiedName },
        delay: 3_600_000,
      });
      expect(await source.end(parentAgain, 'wait_for_children')).toBe('waiting-children');
      expect(await source.end(again, 'fail', 'x')).toBe('wait');
      const last = await source.take();
      expect(last).toMatchObject({ id: 'again', attempts_made: 1 });
      expect(await source.end(last, 'fail', 'y')).toBe('failed');
      const failed = await system.jobIn('failed', queue, 'again');
      expect(await readFailure(system.redis, failed)).toMatchObject({ kind: 'raised', message: 'y', attempt: 2 });
      await source.close();
    });
  });

  test.each([0, 2])('wakes another worker with a job that it gives back (priority %i)', async (priority) => {
    await twins.inPython(async (stage) => {
      const { system, queue } = stage;
      const source = await JobSource.open(twins.host, system, queue);
      await addAll(stage, [['returned', { priority }]]);
      const job = await source.take();
      await stage.startPythonWorker({ name: 'other' });
      await system.workerIsIdle(queue.name, 'other');
      expect(await source.end(job, 'give_back')).toBe('wait');
      // It has no processor for the job, and says so.
      const failed = await system.jobIn('failed', queue, 'returned');
      expect([failed.processedBy, failed.attemptsMade]).toEqual(['other', 1]);
      await source.close();
    });
  });

  test('fails what is not to be given out', async () => {
    await twins.inPython(async (stage) => {
      const { system } = stage;
      const queue = system.queue('file-processing');
      await queue.add('process-file', { doc_id: '' }, { jobId: 'broken' });
      await queue.add('unheard-of', {}, { jobId: 'unknown' });
      await queue.add('process-file', { doc_id: 'x' }, { jobId: 'deferred' });
      await system.redis.hset(queue.toKey('deferred'), 'defa', 'child failed');
      await queue.add('process-file', { doc_id: 'y' }, { jobId: 'good' });
      const source = await JobSource.open(twins.host, system, queue, { contract: SCHEMAS });
      const job = await source.take();
      expect(job).toMatchObject({ id: 'good', data: { doc_id: 'y' } });
      for (const [id, kind] of [
        ['broken', 'contract_violation'],
        ['unknown', 'unknown_job'],
        ['deferred', 'deferred'],
      ] as const) {
        expect(await readFailure(system.redis, await system.jobIn('failed', queue, id))).toMatchObject({ kind });
      }
      // A result that breaks the contract ends nothing.
      await expect(source.end(job, 'complete', { doc_id: 'y' })).rejects.toThrow(/ContractViolation/);
      expect(await queue.getJobState('good')).toBe('active');
      expect(await source.end(job, 'fail', 'no result')).toBe('failed');
      await source.close();
    });
  });

  test('gives back what is held when it closes, and says so to those who wait', async () => {
    await twins.inPython(async (stage) => {
      const { system, queue } = stage;
      const source = await JobSource.open(twins.host, system, queue);
      await addAll(stage, [['held', { attempts: 2 }]]);
      await source.take();
      const waiting = expect(source.next()).rejects.toThrow(/JobSourceClosed/);
      await system.workerIsIdle(queue.name);
      await source.close();
      await waiting;
      const job = await queue.getJob('held');
      expect([await job?.getState(), job?.attemptsMade]).toEqual(['waiting', 0]);
      await expect(source.next()).rejects.toThrow(/JobSourceClosed/);
    });
  });

  test('looks for the jobs of workers that have vanished', async () => {
    await twins.inPython(async (stage) => {
      const { system, queue } = stage;
      await addAll(stage, [['left behind', {}]]);
      const hand = await nodeHand(stage);
      await hand.next();
      await hand.close();
      // The lock has expired, and so has the time in which no other worker looks.
      await system.redis.del(queue.toKey('left behind:lock'), queue.toKey('stalled-check'));
      const source = await JobSource.open(twins.host, system, queue, { stalled_interval_ms: 50 });
      expect((await source.take()).id).toBe('left behind');
      await source.close();
    });
  });

  test('refuses a queue with a job scheduler that it cannot continue', async () => {
    await twins.inPython(async (stage) => {
      const { system, queue } = stage;
      await queue.upsertJobScheduler('tick', { pattern: 'H 4 1 * *' }, { name: 'any', data: 1 });
      await expect(JobSource.open(twins.host, system, queue)).rejects.toThrow(/UnsupportedPattern/);
      await queue.removeJobScheduler('tick');
      const source = await JobSource.open(twins.host, system, queue);
      await queue.upsertJobScheduler('tick', { pattern: 'H 4 1 * *' }, { name: 'any', data: 1 });
      const [job] = await queue.getDelayed();
      await job?.promote();
      await expect(source.next()).rejects.toThrow(/UnsupportedPattern/);
      await waitFor('its return', async () => (await job?.getState()) === 'waiting');
      await source.close();
    });
  });

  test('refuses a queue whose backend runs a BullMQ that the scripts do not fit, unless that is allowed', async () => {
    await twins.inPython(async (stage) => {
      const { system, queue } = stage;
      const ours = await queue.getVersion();
      await system.redis.hset(queue.toKey('meta'), 'version', 'bullmq:5.81.5');
      await expect(JobSource.open(twins.host, system, queue)).rejects.toThrow(/VersionMismatch/);
      const source = await JobSource.open(twins.host, system, queue, { allow_version_mismatch: true });
      await source.close();
      await system.redis.hset(queue.toKey('meta'), 'version', ours as string);
    });
  });
});
