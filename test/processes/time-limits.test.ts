import type { JobsOptions, Queue } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { readFailure } from '../../src/bridge/index.js';
import { settled } from '../faults/queue-state.js';
import { type Stage, useStages } from '../faults/stage.js';
import { type StartSettings, useSystem } from '../support/system.js';
import { expectNothingHeld } from './hand-back.js';

const system = useSystem();
const newStage = useStages();

function start(queue: Queue, stage: Stage, settings: Partial<StartSettings>, fixture = 'processes_worker.py') {
  return system.startWorker(fixture, { queue: queue.name, concurrency: 1, ...settings }, stage.env);
}

async function ended(queue: Queue, name: string, data: object = {}, options: JobsOptions = {}) {
  const { id } = await queue.add(name, data, options);
  const job = await settled(queue, id as string);
  return { job, state: await job.getState(), failure: await readFailure(system.redis, job) };
}

describe.concurrent('the soft time limit', () => {
  it.each([
    ['process', 'stubborn'],
    ['thread', 'stubborn-thread'],
    ['async', 'stubborn-async'],
  ])('of the worker ends a job of the %s pool, which may clean up and return', async (_, name) => {
    const queue = system.queue();
    const stage = newStage();
    const worker = await start(queue, stage, { soft_time_limit_s: 0.2 }, 'processes_threads.py');
    const { job, state } = await ended(queue, name);
    expect([state, job.returnvalue]).toEqual(['completed', 'cleaned up']);
    expect(stage.runs().map(({ remark }) => remark)).toEqual(['', 'cleaned-up']);
    // The slot is as good as before.
    expect((await ended(queue, name)).state).toBe('completed');
    expect(new Set(stage.runs().map(({ pid }) => pid)).size).toBe(1);
    await worker.stop();
  });

  it.each([
    ['process', 'stubborn'],
    ['thread', 'stubborn-thread'],
    ['async', 'stubborn-async'],
  ])('makes a job of the %s pool that lets it pass fail as timed out, one attempt each time', async (_, name) => {
    const queue = system.queue();
    const stage = newStage();
    const worker = await start(queue, stage, { soft_time_limit_s: 0.2 }, 'processes_threads.py');
    const { job, state, failure } = await ended(queue, name, { raises: true }, { attempts: 2 });
    expect([state, job.attemptsMade]).toEqual(['failed', 2]);
    expect(job.failedReason).toBe('the job ran longer than its soft time limit');
    expect(failure).toMatchObject({ kind: 'timed_out', type: 'TimeLimitExceeded', attempt: 2 });
    await worker.stop();
  });

  it('of a job goes before that of the worker', async () => {
    const queue = system.queue();
    const worker = await start(queue, newStage(), { soft_time_limit_s: 600 });
    expect((await ended(queue, 'limited')).job.returnvalue).toBe('cleaned up');
    await worker.stop();
  });

  it('that strikes while the result is encoded fails the job and leaves the process alone', async () => {
    const queue = system.queue();
    const stage = newStage();
    const worker = await start(queue, stage, {});
    const { failure } = await ended(queue, 'encode-long');
    expect(failure).toMatchObject({ kind: 'timed_out' });
    const { job } = await ended(queue, 'work');
    expect(job.returnvalue).toBe(stage.runs()[0]?.pid);
    await worker.stop();
  });
});

// (apart from the others: they keep Redis busy)
it('the soft time limit that strikes while the job reports cuts no report in two', async () => {
  const queue = system.queue();
  const stage = newStage();
  const worker = await start(queue, stage, { soft_time_limit_s: 0.3 });
  for (let run = 0; run < 3; run++) {
    const { failure } = await ended(queue, 'report-without-end');
    expect(failure).toMatchObject({ kind: 'timed_out' });
  }
  expect((await ended(queue, 'work')).state).toBe('completed');
  await worker.stop();
});

it('the soft time limit that strikes while the job waits for an answer mixes up no answers', async () => {
  const queue = system.queue();
  const worker = await start(queue, newStage(), { soft_time_limit_s: 0.2 });
  for (let run = 0; run < 3; run++) {
    const { job, state } = await ended(queue, 'ask-without-end');
    expect([state, job.returnvalue]).toEqual(['completed', []]);
  }
  expect((await ended(queue, 'work')).state).toBe('completed');
  await worker.stop();
});

describe.concurrent('the hard time limit', () => {
  it('kills the process of a job, even inside a C call that keeps the GIL; the next job gets a new one', async () => {
    const queue = system.queue();
    const stage = newStage();
    const worker = await start(queue, stage, { time_limit_s: 0.5, soft_time_limit_s: 0.1 });
    const { job, state, failure } = await ended(queue, 'compute');
    expect([state, job.failedReason]).toEqual(['failed', 'the job was stopped after 0.5 s, its time limit']);
    expect(failure).toMatchObject({ kind: 'timed_out', attempt: 1 });
    const next = await ended(queue, 'work');
    expect(next.job.returnvalue).not.toBe(stage.runs()[0]?.pid);
    await expectNothingHeld(system, queue);
    await worker.stop();
  });

  it('comes after the soft one: the job has the time between them to clean up', async () => {
    const queue = system.queue();
    const stage = newStage();
    const worker = await start(queue, stage, { soft_time_limit_s: 0.2, time_limit_s: 1 });
    const { job, failure } = await ended(queue, 'stubborn', { 'goes on': true });
    expect(stage.runs().map(({ remark }) => remark)).toEqual(['', 'cleaned-up']);
    expect(job.failedReason).toBe('the job was stopped after 1 s, its time limit');
    expect(failure).toMatchObject({ kind: 'timed_out' });
    await worker.stop();
  });

  it('cancels a coroutine', async () => {
    const queue = system.queue();
    const stage = newStage();
    const worker = await start(queue, stage, { time_limit_s: 0.2 });
    const { job, state } = await ended(queue, 'stubborn-async');
    expect([state, job.failedReason]).toEqual(['failed', 'the job was stopped after 0.2 s, its time limit']);
    expect(stage.runs().map(({ remark }) => remark)).toEqual(['', 'cleaned-up']);
    await worker.stop();
  });

  it('uses up one attempt each time, and counts from the start of the job, not from that of its process', async () => {
    const queue = system.queue();
    const stage = newStage();
    const worker = await start(queue, stage, { time_limit_s: 0.3 });
    const { job, state } = await ended(queue, 'hold', { sign: 'never' }, { attempts: 3 });
    expect([state, job.attemptsMade]).toEqual(['failed', 3]);
    expect(stage.runs().map(({ id }) => id)).toHaveLength(3);
    await worker.stop();
  });

  it('leaves of a database transaction in a killed process what was committed, and no lock', async () => {
    const queue = system.queue();
    const stage = newStage();
    const worker = await start(queue, stage, { time_limit_s: 1.5 });
    expect((await ended(queue, 'write-rows')).failure).toMatchObject({ kind: 'timed_out' });
    expect(stage.runs()).toHaveLength(1);
    expect((await ended(queue, 'read-rows')).job.returnvalue).toEqual(['committed', 'later']);
    await worker.stop();
  });

  it('is refused at the start where a thread would have to be stopped', async () => {
    const queue = system.queue();
    const worker = system.launchWorker(
      'processes_worker.py',
      { queue: queue.name, pool: 'thread', time_limit_s: 1 },
      newStage().env,
    );
    expect(await worker.ended()).toBe(1);
    expect(worker.log).toMatch(/cannot start: job 'hold' has a time limit, but nothing can stop a thread: run it in/);
    expect(worker.log).not.toMatch(/Traceback/);
  });
});
