import type { JobsOptions } from 'bullmq';
import { expect, onTestFinished, test } from 'vitest';
import { storedJobs } from '../../src/bridge/cli/check-redis-jobs.js';
import { useSystem } from '../support/system.js';
import { waitFor } from '../support/wait-for.js';

const system = useSystem();

const marked = (options: JobsOptions = {}) => ({ ...options, contractFingerprint: '1' }) as JobsOptions;

test('every job that a worker may still get is found, wherever BullMQ keeps it', async () => {
  const queue = system.queue();
  const flows = system.flows();
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  onTestFinished(() => release());
  await system.nodeWorker(queue.name, async ({ name }) => {
    if (name === 'fails') throw new Error('so it does');
    await held;
  });
  const failing = await queue.add('fails', {}, marked());
  await system.jobIn('failed', queue, failing.id);
  const deduplication = { id: 'only/one', keepLastIfActive: true };
  await queue.add('held', { first: true }, marked({ deduplication }));
  await waitFor('start of the job', async () => (await queue.getActiveCount()) === 1);
  await queue.add('kept', { last: true }, marked({ deduplication }));
  await queue.add('plain', { of: 'nobody' });
  await queue.add('urgent', {}, marked({ priority: 1 }));
  await queue.add('later', {}, marked({ delay: 3_600_000 }));
  await flows.add({
    name: 'parent',
    queueName: queue.name,
    opts: marked(),
    children: [{ name: 'child', queueName: queue.name, opts: marked() as object }],
  });
  await queue.upsertJobScheduler(
    'nightly:1',
    { every: 3_600_000 },
    { name: 'template', data: { at: 1 }, opts: marked() },
  );

  const found = [];
  for await (const job of storedJobs(system.redis, system.prefix, queue.name)) found.push(job);
  const places = found.map(({ place, name, fingerprint }) => `${place}: ${name} ${fingerprint ?? ''}`.trim());
  expect([...new Set(places)].sort()).toEqual([
    'active: held 1',
    'delayed: later 1',
    'failed: fails 1',
    'prioritized: urgent 1',
    'record: kept 1',
    'scheduler: template 1',
    'waiting-children: parent 1',
    'waiting: child 1',
    'waiting: plain',
    'waiting: template 1',
  ]);
  expect(found.find(({ place }) => place === 'record')).toMatchObject({ id: 'only/one', data: '{"last":true}' });
  expect(found.find(({ place }) => place === 'scheduler')).toMatchObject({ id: 'nightly:1', data: '{"at":1}' });
});
