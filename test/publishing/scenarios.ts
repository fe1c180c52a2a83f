import type { FlowJob, JobsOptions } from 'bullmq';
import type { System } from '../support/system.js';
import type { Actor } from './actor.js';

/** Where a scenario takes place. */
export interface Stage {
  readonly system: System;
  readonly queue: string;
  /** Takes the next job and completes it; `fail`: fails it for good. */
  finish(outcome: 'complete' | 'fail'): Promise<void>;
  /** Takes the next job, which stays active. */
  take(): Promise<void>;
}

/** What one of the two languages does. */
export interface Scenario {
  readonly name: string;
  /** The BullMQ that brought what it is about; else every version has it. */
  readonly since?: string;
  readonly act: (actor: Actor, stage: Stage) => Promise<unknown>;
}

const HOUR_MS = 3_600_000;
/** Far from now, so that it is no time that differs between two runs; a whole number of hours. */
const NEW_YEAR_2100_MS = Date.UTC(2100, 0, 1);
const TEXT = 'Straße "gesperrt" \\ 😀\nzweite Zeile';

const OPTIONS: readonly JobsOptions[] = [
  {},
  { attempts: 3 },
  { backoff: 500 },
  { attempts: 2, backoff: { type: 'fixed', delay: 100 } },
  { backoff: { type: 'exponential', delay: 100, jitter: 0.5 } },
  { priority: 1 },
  { priority: 2 ** 21 - 1 },
  { delay: HOUR_MS },
  { delay: 0 },
  { delay: HOUR_MS, priority: 3 },
  { lifo: true },
  { lifo: false },
  { jobId: 'mine' },
  { jobId: 'ä:b:c' },
  { removeOnComplete: true, removeOnFail: false },
  { removeOnComplete: 10, removeOnFail: 0 },
  { removeOnComplete: { count: 5, age: 60 }, removeOnFail: { age: 60, limit: 3 } },
  { keepLogs: 5 },
  { keepLogs: 0 },
  { stackTraceLimit: 3 },
  { stackTraceLimit: 0 },
  { sizeLimit: 1_000 },
  { timestamp: 1_500_000_000_000 },
  { failParentOnFailure: true },
  { ignoreDependencyOnFailure: false },
  { telemetry: { metadata: '{"traceparent":"00-1"}' } },
  { telemetry: { omitContext: true } },
];

const DATA: readonly unknown[] = [{}, null, 0, 0.5, -0.001, 12_345_678_901, 'text', TEXT, [], [1, [null, {}]], true];

/** A flow node of the one queue. A child names its policy, because the two libraries have different defaults. */
function node(queueName: string, jobId: string, opts: JobsOptions = {}, children: FlowJob[] = []): FlowJob {
  return {
    name: 'node',
    queueName,
    data: { jobId },
    opts: { jobId, ...opts },
    ...(children.length > 0 && { children }),
  };
}
const IGNORE = { ignoreDependencyOnFailure: true } as const;

/** What both languages must do alike. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'jobs with each of the options',
    act: async (actor) => {
      for (const opts of OPTIONS) await actor.add('any', {}, opts);
    },
  },
  {
    name: 'jobs with all kinds of data',
    act: async (actor) => {
      for (const data of DATA) await actor.add(TEXT, data);
    },
  },
  {
    name: 'many jobs at once',
    act: (actor) => actor.addMany(OPTIONS.map((opts, index) => ({ name: `job ${index}`, data: { index }, opts }))),
  },
  {
    name: 'a job that exists already',
    act: async (actor) => {
      await actor.add('first', {}, { jobId: 'mine' });
      await actor.add('second', {}, { jobId: 'mine', priority: 2 });
    },
  },
  {
    name: 'duplicates',
    act: async (actor) => {
      await actor.add('simple', 1, { deduplication: { id: 'simple' } });
      await actor.add('simple', 2, { deduplication: { id: 'simple' } });
      await actor.add('throttled', 1, { deduplication: { id: 'throttle', ttl: HOUR_MS } });
      await actor.add('throttled', 2, { deduplication: { id: 'throttle', ttl: HOUR_MS } });
      const debounce = { id: 'debounce', ttl: HOUR_MS, extend: true, replace: true };
      await actor.add('debounced', 1, { deduplication: debounce, delay: HOUR_MS });
      await actor.add('debounced', 2, { deduplication: debounce, delay: HOUR_MS });
      await actor.removeDeduplicationKey('simple');
      await actor.add('simple', 3, { deduplication: { id: 'simple' }, priority: 5 });
    },
  },
  {
    name: 'the last duplicate of an active job',
    since: '5.72.0',
    act: async (actor, stage) => {
      const deduplication = { id: 'last', keepLastIfActive: true };
      await actor.add('any', 1, { deduplication, attempts: 2 });
      await stage.take();
      await actor.add('any', 2, { deduplication });
      await actor.add('any', 3, { deduplication, backoff: 10 });
    },
  },
  {
    name: 'jobs for a paused queue',
    act: async (actor) => {
      await actor.pause();
      await actor.add('any', {});
      await actor.add('any', {}, { priority: 1 });
      await actor.add('any', {}, { delay: HOUR_MS });
    },
  },
  {
    name: 'pause and resume',
    act: async (actor) => {
      await actor.add('any', {});
      await actor.pause();
      await actor.pause();
      await actor.resume();
      await actor.resume();
    },
  },
  {
    name: 'a resumed queue with delayed jobs only',
    act: async (actor) => {
      await actor.add('any', {}, { delay: 2 * HOUR_MS });
      await actor.pause();
      await actor.resume();
    },
  },
  {
    name: 'a child for a parent that exists',
    act: async (actor, { system, queue }) => {
      const parent = { id: 'parent', queue: `${system.prefix}:${queue}` };
      await actor.add('parent', {}, { jobId: 'parent', delay: HOUR_MS });
      await actor.add('child', {}, { jobId: 'a', parent });
      await actor.add('child', {}, { jobId: 'b', parent, failParentOnFailure: true });
      await actor.add('child', {}, { jobId: 'c', parent, delay: HOUR_MS, removeDependencyOnFailure: true });
      await actor.addMany([{ name: 'child', data: {}, opts: { jobId: 'd', parent, continueParentOnFailure: true } }]);
    },
  },
  {
    name: 'a flow of two levels',
    act: (actor, { queue }) =>
      actor.addFlow(
        node(queue, 'root', { attempts: 2 }, [
          node(queue, 'a', { failParentOnFailure: true }),
          node(queue, 'b', { continueParentOnFailure: true, priority: 4 }),
          node(queue, 'c', { ...IGNORE, delay: HOUR_MS }),
          node(queue, 'd', { removeDependencyOnFailure: true, lifo: true, backoff: 10 }),
        ]),
      ),
  },
  {
    name: 'a flow of four levels over two queues',
    act: (actor, { queue }) => {
      const leaf = (id: string) => node('other', id, IGNORE);
      return actor.addFlow(
        node(queue, 'root', { priority: 2 }, [
          node(queue, 'left', IGNORE, [
            node('other', 'left-1', IGNORE, [leaf('left-1-1'), leaf('left-1-2')]),
            leaf('left-2'),
          ]),
          leaf('middle'),
          node('other', 'right', { ...IGNORE, delay: HOUR_MS }, [node(queue, 'right-1', IGNORE, [leaf('right-1-1')])]),
        ]),
      );
    },
  },
  {
    name: 'several flows',
    act: (actor, { queue }) =>
      actor.addFlows([
        node(queue, 'one', {}, [node(queue, 'one-1', IGNORE), node(queue, 'one-2', IGNORE)]),
        node(queue, 'alone', { priority: 7 }),
        node(queue, 'two', {}, [node('other', 'two-1', IGNORE)]),
      ]),
  },
  {
    name: 'a flow without children',
    act: (actor, { queue }) => actor.addFlow(node(queue, 'alone', { delay: HOUR_MS, deduplication: { id: 'once' } })),
  },
  {
    name: 'a flow under a parent that exists',
    act: async (actor, { queue, system }) => {
      await actor.addFlow(node(queue, 'top', {}, [node(queue, 'top-1', IGNORE)]));
      const parent = { id: 'top', queue: `${system.prefix}:${queue}` };
      await actor.addFlow(node('other', 'below', { parent, failParentOnFailure: true }, [node(queue, 'leaf', IGNORE)]));
    },
  },
  {
    name: 'a flow whose children have all completed already',
    act: async (actor, { queue, finish }) => {
      await actor.add('node', {}, { jobId: 'done' });
      await finish('complete');
      await actor.addFlow(node(queue, 'root', { priority: 3 }, [node(queue, 'done', IGNORE)]));
    },
  },
  {
    name: 'a flow of which one child has completed already',
    act: async (actor, { queue, finish }) => {
      await actor.add('node', {}, { jobId: 'done' });
      await finish('complete');
      await actor.addFlow(node(queue, 'root', {}, [node(queue, 'done', IGNORE), node(queue, 'open', IGNORE)]));
    },
  },
  {
    name: 'a failed job that is retried',
    since: '5.66.0',
    act: async (actor, { finish }) => {
      for (const opts of [{}, { lifo: true }, { priority: 3 }]) {
        await actor.add('any', {}, { jobId: `job-${JSON.stringify(opts).length}`, attempts: 1, ...opts });
        await finish('fail');
      }
      await actor.add('other', {});
      await actor.retry('job-2');
      await actor.retry('job-13', 'failed', { made: true });
      await actor.retry('job-14', 'failed', { started: true, made: true });
    },
  },
  {
    name: 'a completed job that is run again',
    act: async (actor, { finish }) => {
      await actor.add('any', {}, { jobId: 'again' });
      await finish('complete');
      await actor.retry('again', 'completed');
    },
  },
  {
    name: 'an ignored child that is retried',
    // Before, BullMQ's script ends in an error (WRONGTYPE, at the parent's list of failed children).
    since: '5.79.2',
    act: async (actor, { queue, finish }) => {
      await actor.addFlow(node(queue, 'root', {}, [node(queue, 'a', IGNORE), node(queue, 'b', IGNORE)]));
      await finish('fail');
      await actor.retry('a');
    },
  },
  {
    name: 'all failed jobs that are retried',
    act: async (actor, { finish }) => {
      for (let count = 0; count < 5; count++) {
        await actor.add('any', {});
        await finish(count === 2 ? 'complete' : 'fail');
      }
      await actor.retryJobs('failed', 2);
      await actor.retryJobs('completed', 100);
    },
  },
  {
    name: 'delayed jobs that are promoted',
    act: async (actor) => {
      for (const opts of [{}, { priority: 2 }, { lifo: true }]) {
        await actor.add('any', {}, { jobId: `job-${JSON.stringify(opts).length}`, delay: HOUR_MS, ...opts });
      }
      for (const id of ['job-2', 'job-14', 'job-13']) await actor.promote(id);
      await actor.addMany([1, 2, 3].map((data) => ({ name: 'any', data, opts: { delay: data * HOUR_MS } })));
      await actor.promoteJobs(2);
    },
  },
  {
    name: 'another delay and another priority',
    act: async (actor) => {
      await actor.add('any', {}, { jobId: 'late', delay: HOUR_MS });
      await actor.changeDelay('late', 2 * HOUR_MS);
      for (const [index, priority] of [1, 2, 2].entries())
        await actor.add('any', {}, { jobId: `p-${index}`, priority });
      await actor.add('any', {}, { jobId: 'plain' });
      await actor.changePriority('p-0', 2);
      await actor.changePriority('p-1', 2, true);
      await actor.changePriority('plain', 9);
      await actor.changePriority('late', 4);
    },
  },
  {
    name: 'jobs that are removed',
    act: async (actor, { queue, finish }) => {
      // One child each: of several, the server's hashes decide which is removed first.
      await actor.addFlow(node(queue, 'root', {}, [node(queue, 'a', IGNORE)]));
      await actor.addFlow(node(queue, 'far', {}, [node('other', 'b', IGNORE)]));
      await actor.addFlow(node(queue, 'kept', {}, [node(queue, 'c', IGNORE), node(queue, 'd', IGNORE)]));
      await actor.remove('root');
      await actor.remove('far');
      await actor.remove('c', false);
      for (const opts of [{ priority: 1 }, { delay: HOUR_MS }, { deduplication: { id: 'once' } }]) {
        await actor.add('any', {}, { jobId: 'one', ...opts });
        await actor.remove('one');
      }
      await finish('complete');
      await actor.remove('d');
      await actor.remove('nobody');
    },
  },
  {
    name: 'a queue that is drained',
    act: async (actor, { queue }) => {
      await actor.addMany([{}, { priority: 1 }, { delay: HOUR_MS }].map((opts) => ({ name: 'any', data: {}, opts })));
      await actor.addFlow(node(queue, 'root', {}, [node(queue, 'a', IGNORE)]));
      await actor.drain(false);
    },
  },
  {
    name: 'a queue that is drained of delayed jobs too',
    since: '5.58.8',
    act: async (actor) => {
      await actor.addMany([{}, { priority: 1 }, { delay: HOUR_MS }].map((opts) => ({ name: 'any', data: {}, opts })));
      await actor.upsertScheduler('s', { every: HOUR_MS, startDate: NEW_YEAR_2100_MS });
      await actor.drain(true);
    },
  },
  {
    name: 'jobs that are cleaned away',
    act: async (actor, { finish }) => {
      for (let count = 0; count < 3; count++) {
        await actor.add('any', {}, { jobId: `done-${count}` });
        await finish(count === 1 ? 'fail' : 'complete');
      }
      await actor.addMany([{ delay: HOUR_MS }, {}, {}, {}].map((opts) => ({ name: 'any', data: {}, opts })));
      await actor.clean(HOUR_MS, 0, 'completed');
      await actor.clean(0, 1, 'completed');
      await actor.clean(0, 0, 'failed');
      await actor.clean(0, 2, 'wait');
      await actor.clean(0, 0, 'delayed');
    },
  },
  {
    name: 'a queue that is obliterated',
    since: '5.58.8',
    act: async (actor, { finish }) => {
      await actor.addMany(OPTIONS.slice(0, 12).map((opts) => ({ name: 'any', data: {}, opts })));
      await finish('complete');
      await actor.upsertScheduler('s', { every: HOUR_MS, startDate: NEW_YEAR_2100_MS });
      await actor.obliterate(3, false);
    },
  },
  {
    name: 'a queue that is obliterated while a job runs',
    act: async (actor, { take }) => {
      await actor.addMany([
        { name: 'any', data: {} },
        { name: 'any', data: {} },
      ]);
      await take();
      await actor.obliterate(1_000, false).catch(() => undefined);
      await actor.obliterate(1_000, true);
    },
  },
  {
    name: 'limits of the whole queue',
    since: '5.60.0',
    act: async (actor) => {
      await actor.setGlobalConcurrency(5);
      await actor.setGlobalRateLimit(10, 1_000);
      await actor.rateLimit(60_000);
    },
  },
  {
    name: 'limits of the whole queue that are lifted',
    since: '5.60.0',
    act: async (actor) => {
      await actor.setGlobalConcurrency(5);
      await actor.setGlobalRateLimit(10, 1_000);
      await actor.removeGlobalLimits();
    },
  },
  {
    name: 'a scheduler with an interval',
    since: '5.58.8',
    act: (actor) =>
      actor.upsertScheduler(
        'hourly',
        { every: HOUR_MS, startDate: NEW_YEAR_2100_MS, endDate: NEW_YEAR_2100_MS + 10 * HOUR_MS, limit: 5 },
        {
          name: 'tidy',
          data: { text: TEXT },
          opts: { attempts: 3, backoff: 100, priority: 4, removeOnComplete: true },
        },
      ),
  },
  {
    name: 'a scheduler with nothing but an interval',
    since: '5.58.8',
    act: (actor) => actor.upsertScheduler('hourly', { every: HOUR_MS, startDate: NEW_YEAR_2100_MS }),
  },
  {
    name: 'a scheduler with an offset',
    since: '5.76.8',
    act: (actor) => actor.upsertScheduler('hourly', { every: 100 * 365 * 24 * HOUR_MS, offset: 5_000 }),
  },
  {
    name: 'a scheduler with a pattern',
    since: '5.58.8',
    act: (actor) =>
      actor.upsertScheduler(
        'daily',
        { pattern: '30 15 4 * * MON-FRI', tz: 'America/New_York', startDate: NEW_YEAR_2100_MS, limit: 3 },
        { name: 'report', data: [TEXT], opts: { attempts: 2, backoff: { type: 'fixed', delay: 5 } } },
      ),
  },
  {
    name: 'a scheduler with a pattern that begins at once',
    since: '5.58.8',
    act: (actor) => actor.upsertScheduler('yearly', { pattern: '0 0 1 1 *', tz: 'UTC', immediately: true }),
  },
  {
    name: 'a scheduler with a pattern that has no time left',
    since: '5.58.8',
    act: (actor) =>
      actor.upsertScheduler('over', {
        pattern: '0 0 1 1 *',
        tz: 'UTC',
        startDate: NEW_YEAR_2100_MS + HOUR_MS,
        endDate: NEW_YEAR_2100_MS + 2 * HOUR_MS,
      }),
  },
  {
    name: 'a scheduler that is changed from an interval to a pattern',
    since: '5.58.8',
    act: async (actor) => {
      await actor.upsertScheduler('s', { every: HOUR_MS, startDate: NEW_YEAR_2100_MS }, { data: 1 });
      await actor.upsertScheduler('s', { pattern: '0 0 * * *', tz: 'UTC', startDate: NEW_YEAR_2100_MS }, { data: 2 });
      await actor.upsertScheduler('s', { pattern: '0 9 * * *', tz: 'UTC', startDate: NEW_YEAR_2100_MS }, { data: 3 });
    },
  },
  {
    name: 'a scheduler that is changed',
    since: '5.58.8',
    act: async (actor) => {
      const startDate = NEW_YEAR_2100_MS;
      await actor.upsertScheduler('s', { every: HOUR_MS, startDate }, { name: 'old', data: { a: 1 } });
      await actor.upsertScheduler('s', { every: HOUR_MS, startDate }, { name: 'same', data: { a: 2 } });
      await actor.upsertScheduler('s', { every: 2 * HOUR_MS, startDate, limit: 3 }, { data: { a: 3 } });
      await actor.upsertScheduler('s', { every: 2 * HOUR_MS, startDate }, { opts: { keepLogs: 4, priority: 1 } });
    },
  },
  {
    name: 'schedulers that are removed',
    since: '5.58.8',
    act: async (actor) => {
      for (const id of ['a', 'b']) await actor.upsertScheduler(id, { every: HOUR_MS, startDate: NEW_YEAR_2100_MS });
      await actor.removeScheduler('a');
      await actor.removeScheduler('nobody');
    },
  },
];
