import { describe, expect, it } from 'vitest';
import type { PythonWorker } from '../support/python-worker.js';
import { useSystem } from '../support/system.js';
import { waitFor } from '../support/wait-for.js';
import { isFetch } from './losses.js';
import { eventsOf, hashOf, settled } from './queue-state.js';
import { useProxies } from './redis-proxy.js';
import { type Stage, useStages } from './stage.js';

/** Exit codes of a worker, as its documentation lists them. */
const OK = 0;
const INTERRUPTED = 3;

/** Far above what an end "at once" takes, far below every time that a worker may wait for something. */
const AT_ONCE_MS = 5_000;
const PATIENT = { drain_delay_s: 60, stalled_interval_ms: 60_000, shutdown_timeout_s: 60 };

const system = useSystem();
const newStage = useStages();
const newProxy = useProxies(system.url);

async function runs(stage: Stage, id: string | undefined, count = 1): Promise<void> {
  await waitFor(`run ${count} of job ${id}`, () => stage.runs(id).length === count, {
    timeoutMs: AT_ONCE_MS,
    state: () => stage.runs(),
  });
}

async function endsAtOnce(worker: PythonWorker): Promise<number | undefined> {
  const start = Date.now();
  const exitCode = await worker.ended();
  expect(Date.now() - start).toBeLessThan(AT_ONCE_MS);
  return exitCode;
}

describe.concurrent('a worker that is told to stop', () => {
  it('finishes what can finish, hands back the rest uncharged, and fetches no more', async () => {
    const queue = system.queue();
    const stage = newStage();
    const settings = { queue: queue.name, concurrency: 3, shutdown_timeout_s: 1.5 };
    const worker = await system.startWorker('faults_worker.py', settings, stage.env);
    const finishing = await queue.add('hold', { sign: 'finish' });
    const plain = await queue.add('stuck', {});
    const prioritised = await queue.add('stuck', {}, { priority: 5 });
    for (const { id } of [finishing, plain, prioritised]) await runs(stage, id);
    const waiting = await queue.addBulk([0, 1, 2].map(() => ({ name: 'work', data: {} })));

    worker.signal('SIGTERM');
    await worker.waitForLog(/SIGTERM: no more jobs are fetched/);
    stage.putUp('finish');

    expect(await worker.ended()).toBe(INTERRUPTED);
    expect(await finishing.getState()).toBe('completed');
    expect(await plain.getState()).toBe('waiting');
    expect(await prioritised.getState()).toBe('prioritized');
    for (const { id } of [plain, prioritised]) {
      const { atm, stc, ats, failedReason } = await hashOf(system.redis, queue, id as string);
      expect({ atm, stc, ats, failedReason }).toEqual({
        atm: undefined,
        stc: undefined,
        ats: '1',
        failedReason: undefined,
      });
      expect(await system.redis.exists(queue.toKey(`${id}:lock`))).toBe(0);
    }
    expect(await queue.getActiveCount()).toBe(0);
    expect(await queue.getWaitingCount()).toBe(waiting.length + 1);
    expect(stage.runs()).toHaveLength(3);
    // First in, first out again: what was handed back is before what has never run.
    expect(await system.redis.lindex(queue.toKey('wait'), -1)).toBe(plain.id);
  });

  it('kills what does not end, and only then another worker gets the job, at once, though it is prioritised', async () => {
    const queue = system.queue();
    const stage = newStage();
    const first = await system.startWorker(
      'faults_worker.py',
      { queue: queue.name, concurrency: 1, ...PATIENT, shutdown_timeout_s: 0.2 },
      stage.env,
    );
    const { id } = await queue.add('stuck', { bytes: 200_000_000 }, { priority: 5 });
    await runs(stage, id);
    const second = await system.startWorker(
      'faults_worker.py',
      { queue: queue.name, concurrency: 1, ...PATIENT },
      stage.env,
    );

    first.signal('SIGTERM');
    await runs(stage, id, 2);

    const job = await settled(queue, id as string);
    expect(job.returnvalue).toBe(1);
    expect(stage.runs(id)[1]?.remark, 'processes of earlier runs that were still there').toBe('');
    expect(await hashOf(system.redis, queue, id as string)).toMatchObject({ atm: '1', ats: '2' });
    expect(await hashOf(system.redis, queue, id as string)).not.toHaveProperty('stc');
    expect(await eventsOf(system.redis, queue, 'stalled')).toEqual([]);
    expect(await first.ended()).toBe(INTERRUPTED);
    await second.stop();
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('by %s to all of its processes lets them finish', async (signal) => {
    const queue = system.queue();
    const stage = newStage();
    const settings = { queue: queue.name, concurrency: 2, ...PATIENT };
    const worker = await system.startWorker('faults_worker.py', settings, { ...stage.env, OWN_GROUP: '1' });
    const jobs = await queue.addBulk([0, 1].map(() => ({ name: 'hold', data: { sign: 'finish' } })));
    for (const { id } of jobs) await runs(stage, id);

    // A terminal signals the group, a service manager every process.
    const children = await worker.children();
    process.kill(-worker.pid, signal);
    for (const pid of children) process.kill(pid, signal);
    await worker.waitForLog(new RegExp(`${signal}: no more jobs are fetched`));
    stage.putUp('finish');

    expect(await endsAtOnce(worker)).toBe(OK);
    for (const job of jobs) expect(await job.getState()).toBe('completed');
    expect(stage.runs()).toHaveLength(2);
  });

  it('while a fetch is on its way hands back what that brings', async () => {
    const queue = system.queue();
    const stage = newStage();
    const proxy = await newProxy();
    const settings = { queue: queue.name, redis_url: proxy.url, concurrency: 1, ...PATIENT };
    const worker = await system.startWorker('faults_async_worker.py', settings, stage.env);
    await waitFor('a worker that waits for jobs', () => proxy.current('marker'));
    const connection = await waitFor('its command connection', () => proxy.current('commands'));
    const held: Buffer[] = [];
    const usual = connection.passReplies;
    connection.passCommand = (command) => {
      if (isFetch(command)) {
        connection.passCommand = () => true;
        connection.passReplies = (replies) => {
          held.push(replies);
          return undefined;
        };
      }
      return true;
    };

    const job = await queue.add('work', {});
    await waitFor('a fetched job', () => queue.getActiveCount());
    await waitFor('the reply', () => held.length);
    worker.signal('SIGTERM');
    await worker.waitForLog(/SIGTERM/);
    connection.passReplies = usual;
    connection.sendToWorker(Buffer.concat(held));

    expect(await endsAtOnce(worker)).toBe(OK);
    expect(await job.getState()).toBe('waiting');
    expect(stage.runs()).toEqual([]);
  });

  it('while it has taken the marker leaves the job to another idle worker', async () => {
    const queue = system.queue();
    const stage = newStage();
    const proxy = await newProxy();
    const settings = { queue: queue.name, concurrency: 1, ...PATIENT };
    const worker = await system.startWorker('faults_async_worker.py', { ...settings, redis_url: proxy.url }, stage.env);
    const marker = await waitFor('a worker that waits for jobs', () => proxy.current('marker'));
    // Redis serves those who wait in the order in which they came.
    const other = await system.startWorker('faults_async_worker.py', settings, stage.env);
    await waitFor('two waiting workers', async () => (await queue.getWorkersCount()) === 2);
    const held: Buffer[] = [];
    const usual = marker.passReplies;
    marker.passReplies = (replies) => {
      held.push(replies);
      return undefined;
    };

    const job = await queue.add('work', {});
    await waitFor('a marker that is taken', () => held.length);
    expect(await job.getState()).toBe('waiting');
    worker.signal('SIGTERM');
    await worker.waitForLog(/SIGTERM/);
    marker.passReplies = usual;
    marker.sendToWorker(Buffer.concat(held));

    await runs(stage, job.id);
    expect(await endsAtOnce(worker)).toBe(OK);
    await other.stop();
  });
});
