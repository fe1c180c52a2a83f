import type { Job, QueueEvents } from 'bullmq';
import { beforeAll, describe, expect, test } from 'vitest';
import { readStream } from '../support/event-stream.js';
import { useSystem } from '../support/system.js';
import { waitFor } from '../support/wait-for.js';

const system = useSystem();
const queue = system.queue();
let events: QueueEvents;

beforeAll(async () => {
  events = await system.events(queue.name);
  await system.startWorker('processors.py', { queue: queue.name, name: 'reporter-1' });
});

async function completed(data: unknown, opts = {}): Promise<Job> {
  const job = await queue.add('report', data, opts);
  return system.jobIn('completed', queue, job.id);
}

describe('progress', () => {
  test.each<[string, unknown]>([
    ['a number', 42],
    ['a fraction', 0.5],
    ['zero', 0],
    ['an object', { step: 'Größe 😀', done: 3, of: { total: 7, list: [] } }],
    ['a text', 'halb "fertig"\n😀'],
    ['true', true],
  ])('that is %s is heard by QueueEvents and read from the job', async (_, progress) => {
    const heard: unknown[] = [];
    const listen = ({ data }: { data: unknown }) => heard.push(data);
    events.on('progress', listen);
    const job = await completed({ progress: [progress] });
    await waitFor('a progress event', () => heard.length > 0);
    events.off('progress', listen);
    expect(heard).toEqual([progress]);
    expect(job.progress).toEqual(progress);
  });

  test('is heard in order, between the start and the end of the job; the last is kept', async () => {
    const job = await completed({ progress: [1, { a: 2 }, 3] });
    const stream = await readStream(system.redis, queue, job.id);
    const active = stream.findIndex(({ event }) => event === 'active');
    expect(stream.slice(active + 1).map(({ event, fields }) => [event, fields.data ?? fields.returnvalue])).toEqual([
      ['progress', '1'],
      ['progress', expect.stringMatching(/^\{"a": ?2\}$/)],
      ['progress', '3'],
      ['completed', '"reported"'],
    ]);
    expect(job.progress).toBe(3);
  });

  test('that is no JSON raises in the processor', async () => {
    const job = await queue.add('report-badly', {});
    expect((await system.jobIn('failed', queue, job.id)).failedReason).toMatch(/not JSON/);
  });
});

describe('the log of a job', () => {
  const ROWS = ['first', 'Zeile 2 😀', '', 'with\nbreak and "quotes"', 'last'];

  test('is read by getJobLogs, in order', async () => {
    const job = await completed({ logs: ROWS });
    expect(await queue.getJobLogs(job.id as string)).toEqual({ logs: ROWS, count: 5 });
    expect(await queue.getJobLogs(job.id as string, 1, 2)).toEqual({ logs: ROWS.slice(1, 3), count: 5 });
  });

  test('keeps the last lines only, as many as keepLogs says', async () => {
    const job = await completed({ logs: ROWS }, { keepLogs: 2 });
    expect(await queue.getJobLogs(job.id as string)).toEqual({ logs: ROWS.slice(-2), count: 2 });
  });

  test('goes with the job', async () => {
    const job = await queue.add('report', { logs: ROWS }, { removeOnComplete: true });
    await waitFor('the end of a job that is removed', async () => {
      const stream = await readStream(system.redis, queue, job.id);
      return stream.some(({ event }) => event === 'completed');
    });
    expect(await system.redis.exists(queue.toKey(job.id as string), `${queue.toKey(job.id as string)}:logs`)).toBe(0);
  });
});

describe('a worker', () => {
  test('writes its name to the jobs that it starts', async () => {
    expect((await completed({})).processedBy).toBe('reporter-1');
    const failing = await queue.add('fail', { message: 'x' });
    expect((await system.jobIn('failed', queue, failing.id)).processedBy).toBe('reporter-1');
  });

  test('is seen by getWorkers, with its name, from its start until its end', async () => {
    const other = system.queue();
    expect(await other.getWorkers()).toEqual([]);
    const worker = await system.startWorker('processors.py', { queue: other.name, name: 'visible-2' });
    await waitFor('a worker that Node sees', async () => (await other.getWorkers()).length > 0);
    const [seen] = await other.getWorkers();
    expect(seen?.rawname).toBe(`${system.prefix}:${Buffer.from(other.name).toString('base64')}:w:visible-2`);
    expect(await other.getWorkersCount()).toBe(1);
    expect((await queue.getWorkers()).map(({ rawname }) => rawname?.split(':').at(-1))).toEqual(['reporter-1']);
    await worker.stop();
    await waitFor('a worker that Node sees no more', async () => (await other.getWorkers()).length === 0);
  });

  test('without a name is seen too, and leaves none', async () => {
    const other = system.queue();
    const worker = await system.startWorker('processors.py', { queue: other.name });
    await waitFor('a worker that Node sees', async () => (await other.getWorkers()).length === 1);
    const job = await other.add('echo', 1);
    await system.jobIn('completed', other, job.id);
    expect(await system.redis.hexists(other.toKey(job.id as string), 'pb')).toBe(0);
    await worker.stop();
  });
});
