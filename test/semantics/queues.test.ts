import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Queue } from 'bullmq';
import { execa, type ResultPromise } from 'execa';
import { Redis } from 'ioredis';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { waitFor } from '../support/wait-for.js';

const FIXTURES = fileURLToPath(new URL('../fixtures/', import.meta.url));
/** A database of Redis of its own, by which the worker's connections are told from all others. */
const DATABASE = 7;

const url = new URL(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
url.pathname = `/${DATABASE}`;
const prefix = `test-${randomUUID()}`;
const redis = new Redis(url.href, { maxRetriesPerRequest: null });
const queues = Object.fromEntries(
  ['mail', 'reports', 'rest'].map((name) => [name, new Queue(name, { connection: redis, prefix })]),
) as Record<'mail' | 'reports' | 'rest', Queue>;
const gate = `${prefix}:gate`;
const running: ResultPromise[] = [];

afterEach(async () => {
  for (const worker of running.splice(0)) {
    worker.kill('SIGKILL');
    await worker;
  }
});

afterAll(async () => {
  await Promise.all(Object.values(queues).map((queue) => queue.close()));
  const keys = await redis.keys(`${prefix}:*`);
  if (keys.length > 0) await redis.unlink(...keys);
  redis.disconnect();
});

/** Runs `python -m bullmq_bridge worker` with the workers of the fixture. */
function run(...args: string[]) {
  const worker = execa(process.env.PYTHON ?? 'python', ['-m', 'bullmq_bridge', 'worker', ...args], {
    cwd: FIXTURES,
    env: { REDIS_URL: url.href, QUEUE_PREFIX: prefix },
    reject: false,
    all: true,
  });
  running.push(worker);
  return worker;
}

/** Ids and names of the connections to the database. */
async function connections(): Promise<Map<string, string>> {
  const lines = String(await redis.client('LIST')).split('\n');
  const here = lines.filter((line) => line.includes(` db=${DATABASE} `));
  return new Map(
    here.map((line) => [/ id=(\d+)|^id=(\d+)/.exec(line)?.[0] ?? '', / name=(\S*) /.exec(line)?.[1] ?? '']),
  );
}

async function active(queue: Queue, count: number): Promise<void> {
  await waitFor(`${count} running jobs of ${queue.name}`, async () => (await queue.getActiveCount()) === count, {
    state: () => queue.getJobCounts(),
  });
}

describe('several queues in one worker', () => {
  test('share one connection for commands, and each waits on one of its own', async () => {
    const before = await connections();
    run('semantics_queues', '--queues', 'mail:3,reports:2');
    const clientName = (queue: string) => `${prefix}:${Buffer.from(queue).toString('base64')}`;
    const added = await waitFor('the connections of the worker', async () => {
      const now = [...(await connections())].filter(([id]) => !before.has(id)).map(([, name]) => name);
      return now.includes(clientName('mail')) && now.includes(clientName('reports')) ? now : undefined;
    });
    expect(added.toSorted()).toEqual(['', clientName('mail'), clientName('reports')].toSorted());
    for (const name of ['mail', 'reports'] as const) expect(await queues[name].getWorkersCount()).toBe(1);
    expect(await queues.rest.getWorkersCount()).toBe(0);
  });

  test('have so many slots each; those that are not named are left alone', async () => {
    const worker = run('semantics_queues', '--queues', 'mail:3,reports:2');
    const held = Array.from({ length: 5 }, () => ({ name: 'hold', data: { gate } }));
    for (const queue of Object.values(queues)) await queue.addBulk(held);
    await active(queues.mail, 3);
    await active(queues.reports, 2);
    // All of both are taken one after the other: no queue has to wait for the other's slots.
    await redis.rpush(gate, ...Array<string>(10).fill('open'));
    for (const name of ['mail', 'reports'] as const) {
      await waitFor(`end of all jobs of ${name}`, async () => (await queues[name].getCompletedCount()) === 5);
    }
    expect(await queues.rest.getWaitingCount()).toBe(5);
    worker.kill('SIGTERM');
    expect((await worker).exitCode).toBe(0);
  });

  test('without a choice are all those that the module declares', async () => {
    run('semantics_queues', '--concurrency', '2');
    await waitFor('a worker of each queue', async () => {
      const counts = await Promise.all(Object.values(queues).map((queue) => queue.getWorkersCount()));
      return counts.every((count) => count === 1);
    });
    await active(queues.rest, 2);
    await redis.rpush(gate, ...Array<string>(5).fill('open'));
    await waitFor('end of the rest', async () => (await queues.rest.getCompletedCount()) === 5);
  });

  test('must be declared', async () => {
    const worker = await run('semantics_queues', '--queues', 'mail:3,unheard-of');
    expect(worker.exitCode).toBe(2);
    expect(worker.all).toContain("no worker for queue 'unheard-of' (there are: mail, reports, rest)");
  });
});
