import type { JobsOptions } from 'bullmq';
import { describe, expect, test } from 'vitest';
import { readFailure } from '../../src/bridge/index.js';
import { readStream } from '../support/event-stream.js';
import { waitFor } from '../support/wait-for.js';
import { type Stage, useTwins } from './twins.js';

const HOUR_MS = 3_600_000;
const REASON = 'so gewünscht "😀"';
const twins = useTwins();

/** What a processor says at its first start. */
interface Said {
  readonly what: 'retry' | 'cancel' | 'snooze' | 'wait' | 'limit' | 'unrecoverable';
  readonly s?: number;
  readonly reason?: string;
  /** At how many starts it says so; 1 by default. */
  readonly times?: number;
}

/** What becomes of the job. */
interface Expected {
  readonly events: readonly string[];
  readonly bus: string;
  readonly made: number;
  readonly started: number;
  readonly reason?: string;
  readonly kind?: string;
}

const AGAIN = { made: 1, started: 2 };

const CASES: readonly [string, Said, JobsOptions, Expected][] = [
  [
    'Retry tries again after its own delay, not that of the backoff',
    { what: 'retry', s: 0.02, reason: REASON },
    { attempts: 2, backoff: HOUR_MS },
    { events: ['active', 'delayed', 'waiting', 'active', 'completed'], bus: 'failed', made: 2, started: 2 },
  ],
  [
    'Retry without a delay tries again at once',
    { what: 'retry' },
    { attempts: 2, backoff: HOUR_MS },
    { events: ['active', 'waiting', 'active', 'completed'], bus: 'failed', made: 2, started: 2 },
  ],
  [
    'Retry without an attempt left fails the job',
    { what: 'retry', reason: REASON },
    { attempts: 1 },
    {
      events: ['active', 'failed', 'retries-exhausted'],
      bus: 'failed',
      made: 1,
      started: 1,
      reason: REASON,
      kind: 'raised',
    },
  ],
  [
    'Retry at every attempt fails the job with the last',
    { what: 'retry', reason: REASON, times: 9 },
    { attempts: 2 },
    {
      events: ['active', 'waiting', 'active', 'failed', 'retries-exhausted'],
      bus: 'failed',
      made: 2,
      started: 2,
      reason: REASON,
      kind: 'raised',
    },
  ],
  [
    'Cancel fails the job for good',
    { what: 'cancel', reason: REASON },
    { attempts: 3, backoff: 10 },
    { events: ['active', 'failed'], bus: 'failed', made: 1, started: 1, reason: REASON, kind: 'cancelled' },
  ],
  [
    'Unrecoverable fails the job for good',
    { what: 'unrecoverable', reason: REASON },
    { attempts: 3, backoff: 10 },
    { events: ['active', 'failed'], bus: 'failed', made: 1, started: 1, reason: REASON, kind: 'raised' },
  ],
  [
    'Snooze runs the job later, without an attempt',
    { what: 'snooze', s: 0.02 },
    { attempts: 1 },
    { events: ['active', 'delayed', 'waiting', 'active', 'completed'], bus: 'snoozed', ...AGAIN },
  ],
  [
    'WaitForChildren runs a job without children again at once, without an attempt',
    { what: 'wait' },
    { attempts: 1 },
    { events: ['active', 'waiting', 'active', 'completed'], bus: 'active', ...AGAIN },
  ],
  [
    'RateLimited puts the job back, without an attempt',
    { what: 'limit', s: 0.02 },
    { attempts: 1 },
    { events: ['active', 'waiting', 'active', 'completed'], bus: 'rate_limited', ...AGAIN },
  ],
];

async function history({ system, queue }: Stage, id: string): Promise<string[]> {
  const stream = await readStream(system.redis, queue, id);
  return stream.map(({ event }) => event).slice(stream.findIndex(({ event }) => event === 'active'));
}

describe.each(['async', 'thread', 'process'] as const)('a processor (%s)', (pool) => {
  test('says how its job ends, by raising it or by returning it', async () => {
    await twins.inPython(async (stage) => {
      const { queue, system } = stage;
      // The state after the end is looked at, and one limit holds no other case.
      const worker = await stage.startPythonWorker({ pool, limiter: { max: 1_000, duration: 1 } });
      for (const how of ['raise', 'return']) {
        for (const [name, said, opts, expected] of CASES) {
          const what = `${name} (${how})`;
          const { id = '' } = await queue.add('say', { ...said, how }, opts);
          await stage.allSettled();
          const job = await queue.getJob(id);
          const failure = job && (await readFailure(system.redis, job));
          expect.soft(await history(stage, id), what).toEqual(expected.events);
          expect.soft([job?.attemptsMade, job?.attemptsStarted], what).toEqual([expected.made, expected.started]);
          await waitFor(`${expected.bus} of ${id}: ${what}`, () => {
            return worker.events(expected.bus).some((told) => told.job === id);
          });
          if (expected.reason === undefined) {
            expect.soft(job?.returnvalue, what).toMatchObject({ start: expected.started });
            expect.soft(failure, what).toBeUndefined();
          } else {
            expect.soft(job?.failedReason, what).toBe(expected.reason);
            expect.soft(failure, what).toMatchObject({
              kind: expected.kind,
              message: expected.reason,
              attempt: expected.made,
            });
          }
        }
      }
    });
  });

  test('waits for children by saying so', async () => {
    await twins.inPython(async (stage) => {
      const { queue } = stage;
      const worker = await stage.startPythonWorker({ pool, concurrency: 1 });
      await queue.add('hold', { gate: stage.gate }, { jobId: 'busy' });
      await stage.jobIn('active', 'busy');
      await queue.add('say', { what: 'wait', how: 'return' }, { jobId: 'parent', lifo: true });
      const parent = { id: 'parent', queue: queue.qualifiedName };
      await queue.add('echo', 1, { jobId: 'child', parent });
      await stage.openGate();
      await stage.allSettled();
      expect(await history(stage, 'parent')).toEqual(['active', 'waiting-children', 'waiting', 'active', 'completed']);
      expect(worker.events('waiting_children').map(({ job }) => job)).toEqual(['parent']);
      expect((await queue.getJob('parent'))?.attemptsMade).toBe(1);
    });
  });

  test('that waits by saying so for a child that has failed fails its job for good', async () => {
    await twins.inPython(async (stage) => {
      const { queue, system } = stage;
      await stage.startPythonWorker({ pool, concurrency: 1 });
      await queue.add('hold', { gate: stage.gate }, { jobId: 'busy' });
      await stage.jobIn('active', 'busy');
      // The child fails before its parent runs, and the parent's own mark of that is lost.
      await queue.add('say', { what: 'wait', how: 'raise' }, { jobId: 'parent', attempts: 3 });
      await system.redis.zadd(queue.toKey('parent:unsuccessful'), Date.now(), queue.toKey('child'));
      await stage.openGate();
      await stage.allSettled();
      const job = await system.jobIn('failed', queue, 'parent');
      const reason = 'Cannot complete job parent because it has at least one failed child. moveToWaitingChildren';
      expect([job.failedReason, job.attemptsMade]).toEqual([reason, 1]);
      expect(await readFailure(system.redis, job)).toMatchObject({ kind: 'deferred', message: reason });
    });
  });
});
