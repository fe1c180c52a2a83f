import { beforeAll, describe, expect, test } from 'vitest';
import { readFailure } from '../../src/bridge/index.js';
import { readStream } from '../support/event-stream.js';
import type { PythonWorker } from '../support/python-worker.js';
import { useSystem } from '../support/system.js';
import { waitFor } from '../support/wait-for.js';

const system = useSystem();
const queue = system.queue();
const queueName = queue.name;
let worker: PythonWorker;

beforeAll(async () => {
  worker = await system.startWorker('coroutines.py', { queue: queueName });
});

describe('a coroutine function', () => {
  test('returns what Node reads', async () => {
    const payload = { text: 'ü😀', list: [1, null, {}] };
    const job = await queue.add('echo', payload);
    expect((await system.jobIn('completed', queue, job.id)).returnvalue).toEqual(payload);
  });

  test('reports progress and log lines from the process of the engine', async () => {
    const job = await queue.add('report', { progress: [1, { a: 'ü' }], logs: ['one', 'two'] });
    const done = await system.jobIn('completed', queue, job.id);
    expect(done.returnvalue).toBe(worker.pid);
    expect(done.progress).toEqual({ a: 'ü' });
    expect(await queue.getJobLogs(job.id as string)).toEqual({ logs: ['one', 'two'], count: 2 });
    const progress = (await readStream(system.redis, queue, job.id)).filter(({ event }) => event === 'progress');
    expect(progress.map(({ fields }) => JSON.parse(fields.data ?? ''))).toEqual([1, { a: 'ü' }]);
  });

  test('raises what Node reads as the reason, with its stack trace', async () => {
    const job = await queue.add('fail', { message: 'Straße "gesperrt"\n😀' }, { attempts: 2 });
    const failed = await system.jobIn('failed', queue, job.id);
    expect(failed.failedReason).toBe('Straße "gesperrt"\n😀');
    expect(failed.stacktrace).toHaveLength(2);
    expect(failed.stacktrace?.[0]).toMatch(/^Traceback.*coroutines\.py", line \d+, in fail\n.*ValueError: Straße/s);
    expect(await readFailure(system.redis, failed)).toMatchObject({ kind: 'raised', type: 'ValueError', attempt: 2 });
  });

  test('is not tried again when it says that it would not help', async () => {
    const job = await queue.add('fail-for-good', { message: 'no' }, { attempts: 5 });
    expect((await system.jobIn('failed', queue, job.id)).attemptsMade).toBe(1);
  });

  test('gets the values and failures of the children of its job', async () => {
    const flow = await system.flows().add({
      name: 'collect',
      queueName,
      children: [
        { name: 'echo', queueName, data: 'ü' },
        { name: 'fail', queueName, data: { message: 'x' }, opts: { ignoreDependencyOnFailure: true } },
      ],
    });
    const [good, bad] = (flow.children ?? []).map(({ job }) => queue.toKey(job.id as string));
    expect((await system.jobIn('completed', queue, flow.job.id)).returnvalue).toEqual({
      values: { [good as string]: 'ü' },
      failures: { [bad as string]: 'x' },
    });
  });

  test('runs beside others, ten by default', async () => {
    const gate = `${system.prefix}:gate`;
    await queue.addBulk(Array.from({ length: 12 }, () => ({ name: 'hold', data: { gate } })));
    await waitFor('ten running jobs', async () => (await queue.getActiveCount()) === 10);
    expect(await queue.getWaitingCount()).toBe(2);
    await system.redis.rpush(gate, ...Array<string>(12).fill('open'));
    await waitFor('an empty queue', async () => (await queue.getJobCountByTypes('wait', 'active')) === 0);
  });
});
