import type { Job, JobsOptions, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { expect } from 'vitest';
import { waitFor } from '../support/wait-for.js';
import type { Stage } from './stage.js';

/** An entry of a queue's event stream. */
export type Entry = Readonly<Record<string, string>>;

/** Everything that has happened in a queue, oldest first; read afterwards, so nothing is missed. */
export async function eventsOf(redis: Redis, queue: Queue, name?: string): Promise<Entry[]> {
  const stream = await redis.xrange(queue.toKey('events'), '-', '+');
  const entries = stream.map(([, fields]) => {
    const pairs = fields.flatMap((field, index) => (index % 2 === 0 ? [[field, fields[index + 1] ?? '']] : []));
    return Object.fromEntries(pairs) as Entry;
  });
  return name === undefined ? entries : entries.filter(({ event }) => event === name);
}

/** Fields of a job's hash. */
export async function hashOf(redis: Redis, queue: Queue, id: string): Promise<Readonly<Record<string, string>>> {
  return redis.hgetall(queue.toKey(id));
}

/** Adds so many jobs that are alike; their ids. */
export async function addMany(
  queue: Queue,
  name: string,
  count: number,
  data: object = {},
  opts: JobsOptions = {},
): Promise<string[]> {
  const jobs = await queue.addBulk(Array.from({ length: count }, () => ({ name, data, opts })));
  return jobs.map(({ id }) => id as string);
}

/** Waits until the job has completed or failed; returns it as it is then. */
export async function settled(queue: Queue, id: string, timeoutMs = 15_000): Promise<Job> {
  await waitFor(
    `the end of job ${id} of ${queue.name}`,
    async () => ['completed', 'failed'].includes(await queue.getJobState(id)),
    { timeoutMs, state: () => queue.getJobState(id) },
  );
  const job = await queue.getJob(id);
  if (job === undefined) throw new Error(`job ${id} of ${queue.name} is gone`);
  return job;
}

/** Waits until so many jobs have completed. */
export async function completedCount(queue: Queue, count: number, timeoutMs = 30_000): Promise<void> {
  await waitFor(`${count} completed jobs`, async () => (await queue.getCompletedCount()) >= count, {
    timeoutMs,
    state: () => queue.getJobCounts(),
  });
}

/** That each of these jobs has run once, has completed once and was charged with nothing; and that nothing is left over. */
export async function expectEachExactlyOnce(
  redis: Redis,
  queue: Queue,
  stage: Pick<Stage, 'runs'>,
  ids: readonly string[],
): Promise<void> {
  const sorted = [...ids].sort();
  expect(
    stage
      .runs()
      .map(({ id }) => id)
      .sort(),
    'runs',
  ).toEqual(sorted);
  const endings = await eventsOf(redis, queue, 'completed');
  expect(endings.map(({ jobId }) => jobId).sort(), 'completed events').toEqual(sorted);
  expect(await eventsOf(redis, queue, 'stalled'), 'stalled events').toEqual([]);
  const { completed: _, ...others } = await queue.getJobCounts();
  expect(
    Object.entries(others).filter(([, count]) => count > 0),
    'jobs that did not complete',
  ).toEqual([]);
  const locks = await redis.exists(...ids.map((id) => queue.toKey(`${id}:lock`)));
  expect(locks, 'locks').toBe(0);
  for (const id of ids) {
    const { stc, atm, ats } = await hashOf(redis, queue, id);
    expect({ id, stc, atm, ats }).toEqual({ id, stc: undefined, atm: '1', ats: '1' });
  }
}
