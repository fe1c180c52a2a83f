import { type FlowJob, type JobsOptions, Worker } from 'bullmq';
import { BUNDLE } from '../../support/bundle.js';
import { waitFor } from '../../support/wait-for.js';
import type { Scenario, Stage } from './scenario.js';

const HOUR_MS = 3_600_000;
const ELSEWHERE = 'elsewhere';
const TEXT = 'Straße "gesperrt" \\ 😀\nzweite Zeile';

/** Adds jobs in order. */
function adding(...jobs: [name: string, data: unknown, opts?: JobsOptions][]): Scenario['before'] {
  return async ({ queue }) => {
    for (const [name, data, opts] of jobs) await queue.add(name, data, opts);
  };
}

/** Adds a parent that collects what its children leave; ids are names, so that they are the same in every run. */
function addingFlow(
  children: [name: string, data: unknown, opts?: JobsOptions][],
  opts: JobsOptions = {},
  name = 'collect',
) {
  return async ({ flows, queue }: Stage) => {
    const flow: FlowJob = {
      name,
      queueName: queue.name,
      opts: { jobId: 'parent', ...opts },
      children: children.map(([child, data, childOpts], index) => ({
        name: child,
        data,
        queueName: queue.name,
        opts: { jobId: `child-${index}`, ...childOpts },
      })),
    };
    await flows.add(flow);
  };
}

/** Leaves a job active without a lock, as a worker that vanished does once its lock has expired. */
async function vanishWith({ queue, system }: Stage): Promise<void> {
  const worker = new Worker(queue.name, null, { connection: system.redis, prefix: system.prefix });
  await worker.waitUntilReady();
  const job = await worker.getNextJob('vanished:0', { block: false });
  await worker.close();
  await system.redis.del(`${queue.toKey(job?.id ?? '')}:lock`);
}

const gateOf = ({ system }: Stage) => `${system.prefix}:gate`;

/** What both workers must do alike. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'jobs that complete',
    before: adding(['echo', { text: TEXT, list: [1, null, {}, []] }], ['nothing', null], ['echo', 0.5]),
  },
  {
    name: 'jobs that are added while the worker sleeps',
    during: async ({ queue, system }) => {
      for (const jobId of ['one', 'two']) {
        await system.workerIsIdle(queue.name, 'the-same');
        await queue.add('echo', jobId, { jobId });
        await system.jobIn('completed', queue, jobId);
      }
    },
  },
  {
    name: 'a worker without a name',
    worker: { name: undefined },
    before: adding(['echo', 1], ['fail', { message: 'x' }]),
  },
  { name: 'a failure without attempts', before: adding(['fail', { message: TEXT }], ['echo', 'next']) },
  {
    name: 'retries at once until it completes',
    before: adding(['flaky', { failures: 2 }, { attempts: 4 }], ['echo', 'between']),
  },
  { name: 'retries at once until no attempt is left', before: adding(['fail', { message: TEXT }, { attempts: 3 }]) },
  {
    name: 'retries at once with a priority',
    before: adding(['flaky', { failures: 1 }, { attempts: 2, priority: 3 }], ['echo', 1, { priority: 3 }]),
  },
  {
    name: 'retries at once with lifo',
    before: adding(['echo', 'first'], ['flaky', { failures: 1 }, { attempts: 2, lifo: true }]),
  },
  {
    name: 'retries with a fixed backoff',
    before: adding(['flaky', { failures: 2 }, { attempts: 3, backoff: { type: 'fixed', delay: 30 } }]),
  },
  {
    name: 'retries with an exponential backoff',
    before: adding(['flaky', { failures: 2 }, { attempts: 3, backoff: { type: 'exponential', delay: 30 } }]),
  },
  {
    name: 'a job that waits for its next attempt',
    before: adding(
      ['flaky', { failures: 9 }, { attempts: 3, backoff: { type: 'exponential', delay: HOUR_MS } }],
      ['flaky', { failures: 9 }, { attempts: 3, backoff: 2 * HOUR_MS, priority: 5 }],
      ['echo', 'next'],
    ),
    isOver: async ({ queue }) => (await queue.getDelayedCount()) === 2 && (await queue.getCompletedCount()) === 1,
  },
  {
    name: 'limits on stack traces',
    before: adding(
      ['fail', { message: 'two kept' }, { attempts: 3, stackTraceLimit: 2 }],
      ['fail', { message: 'none kept' }, { attempts: 2, stackTraceLimit: 0 }],
    ),
  },
  {
    name: 'a failure that is not to be retried',
    before: adding(['fail-for-good', { message: TEXT }, { attempts: 5, backoff: HOUR_MS }]),
  },
  {
    name: 'a failed job that Node retries',
    before: adding(['flaky', { failures: 1 }, { jobId: 'again' }]),
    during: async ({ queue, system }) => {
      const failed = await system.jobIn('failed', queue, 'again');
      await system.workerIsIdle(queue.name, 'the-same');
      await failed.retry();
    },
    isOver: async ({ queue }) => (await queue.getCompletedCount()) === 1,
  },
  {
    name: 'progress and logs',
    before: adding(
      ['report', { progress: [1, { a: 'ü', b: [] }, 0.5], logs: [TEXT, '', 'last'] }],
      ['report', { logs: ['1', '2', '3'] }, { keepLogs: 2 }],
    ),
  },
  {
    name: 'a flow whose children complete',
    before: addingFlow([
      ['echo', { text: TEXT }],
      ['nothing', {}],
    ]),
  },
  {
    name: 'a flow with a child whose failure is ignored',
    before: addingFlow([
      ['echo', 1],
      ['fail', { message: TEXT }, { ignoreDependencyOnFailure: true, attempts: 2 }],
    ]),
  },
  {
    name: 'a flow with a child that fails its parent',
    before: addingFlow(
      [
        ['fail', { message: TEXT }, { failParentOnFailure: true }],
        ['echo', 1],
      ],
      { attempts: 3 },
    ),
  },
  {
    name: 'a flow with a child that is not missed',
    before: addingFlow([
      ['fail', { message: TEXT }, { removeDependencyOnFailure: true }],
      ['echo', 1],
    ]),
  },
  {
    name: 'a flow with a child that lets its parent go on',
    before: addingFlow([
      ['echo', 1],
      ['fail', { message: TEXT }, { continueParentOnFailure: true }],
    ]),
  },
  {
    name: 'a flow whose parent goes on, and then waits for the other children',
    before: addingFlow(
      [
        ['fail', { message: TEXT }, { continueParentOnFailure: true }],
        ['echo', 1],
      ],
      {},
      'collect-all',
    ),
  },
  {
    name: 'a flow whose parent ends after a child has failed it',
    before: async (stage) => {
      await stage.flows.add({
        name: 'hold',
        queueName: stage.queue.name,
        data: { gate: gateOf(stage) },
        opts: { jobId: 'parent' },
        children: [
          {
            name: 'fail',
            queueName: stage.queue.name,
            data: { message: 'x' },
            opts: { jobId: 'starts-it', continueParentOnFailure: true },
          },
          { name: 'fail', queueName: ELSEWHERE, opts: { jobId: 'fails-it', failParentOnFailure: true } },
        ],
      });
    },
    during: async (stage) => {
      await stage.system.jobIn('active', stage.queue, 'parent');
      await stage.system.nodeWorker(ELSEWHERE, async () => Promise.reject(new Error('too late')));
      await stage.system.jobIn('failed', stage.system.queue(ELSEWHERE), 'fails-it');
      await stage.system.redis.rpush(gateOf(stage), 'open');
    },
  },
  {
    name: 'a flow with a child that fails without a policy',
    before: addingFlow([['fail', { message: TEXT }]]),
    isOver: async ({ queue }) => (await queue.getFailedCount()) === 1,
  },
  {
    name: 'a flow whose children are removed',
    before: addingFlow([
      ['echo', 1, { removeOnComplete: true }],
      ['fail', { message: TEXT }, { removeOnFail: true, ignoreDependencyOnFailure: true }],
    ]),
  },
  {
    name: 'a flow with priorities',
    before: addingFlow(
      [
        ['echo', 1, { priority: 10 }],
        ['echo', 2, { priority: 10 }],
      ],
      { priority: 1 },
    ),
  },
  {
    name: 'priorities',
    before: adding(
      ['echo', 'low', { priority: 100 }],
      ['echo', 'high', { priority: 1 }],
      ['fail', { message: 'normal' }, { priority: 10 }],
      ['echo', 'plain'],
      ['echo', 'high too', { priority: 1 }],
    ),
  },
  { name: 'lifo', before: adding(['echo', 1], ['echo', 2, { lifo: true }], ['echo', 3, { lifo: true }], ['echo', 4]) },
  {
    name: 'delayed jobs',
    during: async ({ queue, system }) => {
      const opts: readonly JobsOptions[] = [
        { jobId: 'plain', delay: 30 },
        { jobId: 'prioritised', delay: 30, priority: 5 },
      ];
      for (const each of opts) {
        await system.workerIsIdle(queue.name, 'the-same');
        await queue.add('echo', 1, each);
        await system.jobIn('completed', queue, each.jobId);
      }
    },
  },
  {
    name: 'a delayed job that is not due',
    before: adding(['echo', 'in an hour', { delay: HOUR_MS }], ['echo', 'now']),
    isOver: async ({ queue }) => (await queue.getCompletedCount()) === 1,
  },
  {
    name: 'removal on completion',
    before: adding(
      ['echo', 'kept'],
      ['report', { logs: ['x'] }, { removeOnComplete: true }],
      ['echo', 'one of two', { removeOnComplete: { count: 2 } }],
      ['echo', 'two of two', { removeOnComplete: 2 }],
      ['echo', 'by age', { removeOnComplete: { age: 3_600, count: 10 } }],
    ),
  },
  {
    name: 'removal on failure',
    before: adding(
      ['fail', { message: 'kept' }],
      ['fail', { message: 'removed' }, { removeOnFail: true, attempts: 2 }],
      ['fail', { message: 'one of one' }, { removeOnFail: { count: 1 } }],
      ['fail', { message: 'by age' }, { removeOnFail: { age: 3_600 } }],
    ),
  },
  {
    name: 'a deduplicated job',
    before: adding(
      ['echo', 'first', { deduplication: { id: 'same' } }],
      ['echo', 'second', { deduplication: { id: 'same' } }],
      ['fail', { message: 'x' }, { deduplication: { id: 'other', ttl: HOUR_MS } }],
    ),
  },
  {
    name: 'a paused queue',
    before: async (stage) => {
      await stage.queue.pause();
      await adding(['echo', 'plain'], ['flaky', { failures: 1 }, { attempts: 2, priority: 4 }])?.(stage);
    },
    during: async ({ queue, system }) => {
      await system.workerIsIdle(queue.name, 'the-same');
      await queue.resume();
    },
  },
  {
    name: 'a limit on the rate',
    since: '5.60.0',
    before: async (stage) => {
      await stage.queue.setGlobalRateLimit(1, 150);
      await adding(['echo', 1], ['fail', { message: 'x' }], ['echo', 3])?.(stage);
    },
    isOver: async ({ queue, system }) =>
      (await queue.getJobCountByTypes('wait', 'active')) === 0 && !(await system.redis.exists(queue.toKey('limiter'))),
  },
  {
    name: 'a job that holds the queue',
    since: '5.60.0',
    before: async (stage) => {
      // Without a limit of the queue its workers would not see the hold.
      await stage.queue.setGlobalRateLimit(100, 100);
      await adding(['limit', { ms: 150 }], ['echo', 'next'])?.(stage);
    },
    isOver: async ({ queue, system }) =>
      (await queue.getCompletedCount()) === 2 && !(await system.redis.exists(queue.toKey('limiter'))),
  },
  {
    name: 'a prioritised job that holds the queue',
    since: '5.60.0',
    before: async (stage) => {
      await stage.queue.setGlobalRateLimit(100, 100);
      await adding(['limit', { ms: 150 }, { priority: 3 }], ['echo', 'next', { priority: 3 }])?.(stage);
    },
    isOver: async ({ queue, system }) =>
      (await queue.getCompletedCount()) === 2 && !(await system.redis.exists(queue.toKey('limiter'))),
  },
  {
    name: 'a limit on concurrency',
    before: async (stage) => {
      await stage.queue.setGlobalConcurrency(1);
      await adding(['echo', 1], ['echo', 2])?.(stage);
    },
  },
  {
    name: 'a job whose worker vanished',
    worker: { stalledIntervalMs: 100 },
    before: async (stage) => {
      await adding(['echo', 'again'], ['echo', 'next'])?.(stage);
      await vanishWith(stage);
    },
  },
  {
    name: 'a prioritised job whose worker vanished',
    worker: { stalledIntervalMs: 100 },
    before: async (stage) => {
      await adding(['echo', 'again', { priority: 2 }])?.(stage);
      await vanishWith(stage);
    },
  },
  {
    name: 'a job whose worker vanished too often',
    worker: { stalledIntervalMs: 100, maxStalledCount: 0 },
    before: async (stage) => {
      await adding(['echo', 'never', { attempts: 3 }])?.(stage);
      await vanishWith(stage);
    },
  },
  {
    name: 'a child whose worker vanished too often, and which fails its parent',
    worker: { stalledIntervalMs: 100, maxStalledCount: 0 },
    before: async (stage) => {
      await addingFlow([['echo', 'never', { failParentOnFailure: true }]])(stage);
      await vanishWith(stage);
    },
  },
  {
    name: 'a job that outlives its lock',
    worker: { lockMs: 1_000 },
    before: async (stage) => adding(['hold', { gate: gateOf(stage) }, { jobId: 'held' }], ['echo', 'next'])?.(stage),
    during: async (stage) => {
      const { sha1 = '' } = BUNDLE.scripts.extendLocks ?? {};
      await waitFor('a renewal of the lock', () => {
        return stage.monitor.commands.some(({ args: [script] }) => script?.toString() === sha1);
      });
      await stage.system.redis.rpush(gateOf(stage), 'open');
    },
  },
];
