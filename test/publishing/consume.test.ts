import { fileURLToPath } from 'node:url';
import { UnrecoverableError } from 'bullmq';
import { afterAll, describe, expect, test } from 'vitest';
import { isSince } from '../support/bundle.js';
import { uniqueName, useSystem } from '../support/system.js';
import { waitFor } from '../support/wait-for.js';
import { type Form, PythonError, PythonPublisher } from './publisher.js';

const system = useSystem();
const SCHEMAS = fileURLToPath(new URL('../../schemas', import.meta.url));

describe.for(['blocking', 'asyncio'] as const)('published from Python (%s), worked by BullMQ', (form: Form) => {
  const python = new PythonPublisher(form);
  afterAll(() => python.close());

  const call = (
    kind: 'Queue' | 'Flow' | 'QueueEvents',
    name: string,
    method: string,
    args: readonly unknown[] = [],
    kwargs: Readonly<Record<string, unknown>> = {},
    settings: Readonly<Record<string, unknown>> = {},
  ) =>
    python.call({
      kind,
      name,
      settings: { redis_url: system.url, prefix: system.prefix, ...settings },
      method,
      args,
      kwargs,
    });

  test('a job arrives as it was sent, and its result comes back', async ({ expect }) => {
    const name = uniqueName();
    const data = { text: 'Straße 😀\n"', list: [1, 0.5, null, {}, []], large: 9_007_199_254_740_991 };
    const seen: unknown[] = [];
    await system.nodeWorker(name, async (job) => {
      seen.push([job.name, job.data, job.opts.attempts, job.opts.backoff, job.priority]);
      return { echoed: job.data };
    });
    const job = (await call('Queue', name, 'add', ['größe', data], {
      attempts: 2,
      backoff: 100,
      priority: 'high',
    })) as { id: string };
    expect(await call('QueueEvents', name, 'wait_until_finished', [job.id], { timeout_s: 20 })).toEqual({
      echoed: data,
    });
    expect(seen).toEqual([['größe', data, 2, { type: 'fixed', delay: 100 }, 1]]);
    expect(await call('Queue', name, 'get_job', [job.id])).toMatchObject({
      state: 'completed',
      returnvalue: { echoed: data },
      attempts_made: 1,
    });
  });

  test('jobs are worked in the order that their options ask for', async ({ expect }) => {
    const name = uniqueName();
    const order: string[] = [];
    await call('Queue', name, 'add_many', [
      [
        ['low', { priority: 'low' }],
        ['normal', { priority: 'normal' }],
        ['first', {}],
        ['second', {}],
        ['high', { priority: 'high' }],
        ['lifo', { lifo: true }],
      ].map(([job, options]) => ({ $item: { name: job, data: {}, options } })),
    ]);
    await system.nodeWorker(name, async (job) => order.push(job.name));
    await waitFor('the end of all jobs', () => order.length === 6);
    expect(order).toEqual(['lifo', 'first', 'second', 'high', 'normal', 'low']);
  });

  test('a delayed job starts when it is due', async ({ expect }) => {
    const name = uniqueName();
    await system.nodeWorker(name, async () => Date.now());
    const added = Date.now();
    const job = (await call('Queue', name, 'add', ['any', {}], { delay_ms: 300 })) as { id: string };
    const started = await call('QueueEvents', name, 'wait_until_finished', [job.id], { timeout_s: 20 });
    expect(Number(started) - added).toBeGreaterThanOrEqual(300);
  });

  test('a failure is an error with its reason, after all attempts', async ({ expect }) => {
    const name = uniqueName();
    let runs = 0;
    await system.nodeWorker(name, async () => {
      runs++;
      throw new Error('out of paper');
    });
    const job = (await call('Queue', name, 'add', ['any', {}], { attempts: 3 })) as { id: string };
    const waiting = call('QueueEvents', name, 'wait_until_finished', [job.id], { timeout_s: 20 });
    await expect(waiting).rejects.toMatchObject({
      type: 'JobFailed',
      message: `job '${job.id}' of queue '${name}' failed: out of paper`,
    });
    expect(runs).toBe(3);
  });

  test('a flow runs its parent once its children have settled, whatever became of them', async ({ expect }) => {
    const name = uniqueName();
    const order: string[] = [];
    await system.nodeWorker(name, async (job) => {
      order.push(job.name);
      if (job.name === 'bad') throw new UnrecoverableError('unreadable');
      if (job.name !== 'parent') return job.data.n;
      const values = Object.values(await job.getChildrenValues());
      const failures = Object.values((await job.getIgnoredChildrenFailures()) ?? {});
      return { sum: values.reduce((sum: number, value) => sum + Number(value), 0), failures };
    });
    const child = (job: string, n: number) => ({
      $flow: { name: job, data: { n }, queue: null, children: [], options: {} },
    });
    const flow = {
      name: 'parent',
      data: {},
      queue: null,
      options: {},
      children: [child('a', 1), child('bad', 2), child('b', 4)],
    };
    const tree = (await call('Flow', name, 'add', [{ $flow: flow }])) as { job: { id: string } };
    expect(await call('QueueEvents', name, 'wait_until_finished', [tree.job.id], { timeout_s: 20 })).toEqual({
      sum: 5,
      failures: ['unreadable'],
    });
    expect(order).toEqual(['a', 'bad', 'b', 'parent']);
  });

  test.skipIf(!isSince('5.58.8'))('a scheduler goes on in the hands of the worker', async ({ expect }) => {
    const name = uniqueName();
    const runs: number[] = [];
    await system.nodeWorker(name, async (job) => runs.push(job.data.n));
    const schedule = { $schedule: { every_ms: 100 } };
    await call('Queue', name, 'upsert_job_scheduler', ['often', schedule, 'tick', { n: 7 }], {
      remove_on_complete: true,
    });
    await waitFor('three runs', () => runs.length >= 3);
    expect(await call('Queue', name, 'get_job_scheduler', ['often'])).toMatchObject({ name: 'tick', every_ms: 100 });
    expect(await call('Queue', name, 'remove_job_scheduler', ['often'])).toBe(true);
    expect(new Set(runs)).toEqual(new Set([7]));
  });

  test('a paused queue keeps its jobs until it is resumed', async ({ expect }) => {
    const name = uniqueName();
    await call('Queue', name, 'pause');
    const job = (await call('Queue', name, 'add', ['any', {}])) as { id: string };
    await system.nodeWorker(name, async () => 'done');
    await system.workerIsIdle(name);
    expect(await call('Queue', name, 'get_job_state', [job.id])).toBe('waiting');
    await call('Queue', name, 'resume');
    expect(await call('QueueEvents', name, 'wait_until_finished', [job.id], { timeout_s: 20 })).toBe('done');
  });

  test('workers of both languages are seen, as BullMQ sees them', async ({ expect }) => {
    const queue = system.queue();
    await system.nodeWorker(queue.name, async () => null, { name: 'north' });
    await system.startWorker('processors.py', { queue: queue.name, name: 'south' });
    await Promise.all(['north', 'south'].map((name) => system.workerIsIdle(queue.name, name)));
    const workers = (await call('Queue', queue.name, 'get_workers')) as { name: string; address: string }[];
    expect(workers.map(({ name }) => name).sort()).toEqual(['north', 'south']);
    expect(workers.map(({ address }) => address).sort()).toEqual(
      (await queue.getWorkers()).map(({ addr }) => addr).sort(),
    );
  });

  test('Python hears the events that BullMQ hears', async ({ expect }) => {
    const queue = system.queue();
    const heard: string[] = [];
    const events = await system.events(queue.name);
    await call('QueueEvents', queue.name, 'start');
    const kinds = ['added', 'waiting', 'active', 'progress', 'completed', 'failed', 'delayed', 'removed'] as const;
    for (const kind of kinds) {
      events.on(kind, (args: { jobId: string }, id: string) => {
        heard.push(`${id} ${kind} ${args.jobId}`);
      });
    }
    await system.nodeWorker(queue.name, async (job) => {
      await job.updateProgress({ done: 50 });
      if (job.name === 'bad') throw new Error('no');
      return { n: 1 };
    });
    const jobs = (await call('Queue', queue.name, 'add_many', [
      ['good', 'bad'].map((name) => ({ $item: { name, data: {}, options: { job_id: name } } })),
    ])) as { id: string }[];
    expect(jobs.map(({ id }) => id)).toEqual(['good', 'bad']);
    await call('Queue', queue.name, 'add', ['late', {}], { job_id: 'late', delay_ms: 60_000 });
    await system.jobIn('completed', queue, 'good');
    await system.jobIn('failed', queue, 'bad');
    await call('Queue', queue.name, 'remove', ['late']);
    await waitFor('BullMQ hearing of the removal', () => heard.some((event) => event.endsWith('removed late')));
    const python: { $: string; id: string; job_id?: string }[] = [];
    await waitFor('Python hearing of the removal', async () => {
      python.push(...((await call('QueueEvents', queue.name, 'read', [], { timeout_s: 1 })) as typeof python));
      return python.some((event) => event.$ === 'Removed');
    });
    const others = ['RetriesExhausted', 'Drained'];
    expect(
      python.filter(({ $ }) => !others.includes($)).map(({ $, id, job_id }) => `${id} ${$.toLowerCase()} ${job_id}`),
    ).toEqual(heard);
    expect(python.find(({ $ }) => $ === 'Completed')).toMatchObject({ job_id: 'good', returnvalue_json: '{"n":1}' });
    expect(python.find(({ $ }) => $ === 'Failed')).toMatchObject({ job_id: 'bad', reason: 'no' });
    expect(python.find(({ $ }) => $ === 'Progress')).toMatchObject({ progress_json: '{"done":50}' });
  });

  test('what Python reads of a job is what BullMQ reads', async ({ expect }) => {
    const queue = system.queue();
    const job = await queue.add('any', { a: 1 }, { jobId: 'job', attempts: 2, keepLogs: 5, priority: 3 });
    await job.log('one');
    await job.updateProgress(50);
    await system.nodeWorker(queue.name, async () => {
      throw new UnrecoverableError('no');
    });
    const failed = await system.jobIn('failed', queue, 'job');
    expect(await call('Queue', queue.name, 'get_job', ['job'])).toMatchObject({
      id: failed.id,
      name: failed.name,
      data: failed.data,
      state: 'failed',
      options: JSON.parse(JSON.stringify(failed.opts)),
      timestamp_ms: failed.timestamp,
      priority: failed.priority,
      attempts_made: failed.attemptsMade,
      attempts_started: failed.attemptsStarted,
      progress: failed.progress,
      failed_reason: failed.failedReason,
      stacktrace: failed.stacktrace,
      processed_on_ms: failed.processedOn,
      finished_on_ms: failed.finishedOn,
      failure: null,
      logs: (await queue.getJobLogs('job')).logs,
    });
    const { paused = 0, waiting = 0, ...counts } = await queue.getJobCounts();
    expect(await call('Queue', queue.name, 'get_job_counts')).toEqual({ ...counts, waiting: waiting + paused });
  });

  test('a result that breaks the contract is refused where it is waited for', async ({ expect }) => {
    const name = 'file-processing';
    const contract = { contract: SCHEMAS };
    await system.nodeWorker(name, async (job) => job.data.doc_id);
    const added = await call('Queue', name, 'add', ['process-file', { doc_id: 'doc-1' }], {}, contract);
    const { id } = added as { id: string };
    await expect(
      call('QueueEvents', name, 'wait_until_finished', [id], { timeout_s: 20 }, contract),
    ).rejects.toMatchObject({ type: 'ContractViolation' });
    expect(await call('QueueEvents', name, 'wait_until_finished', [id], { timeout_s: 20 })).toBe('doc-1');
  });
});

test('an error of Python is an error here', async () => {
  const python = new PythonPublisher('blocking');
  try {
    const settings = { redis_url: system.url, prefix: system.prefix };
    const adding = python.call({
      kind: 'Queue',
      name: 'q',
      settings,
      method: 'add',
      args: ['any', {}],
      kwargs: { x: 1 },
    });
    await expect(adding).rejects.toBeInstanceOf(PythonError);
  } finally {
    await python.close();
  }
});
