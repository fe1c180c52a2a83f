import { Worker } from 'bullmq';
import { afterAll, expect, test } from 'vitest';
import { useSystem } from '../support/system.js';
import { waitFor } from '../support/wait-for.js';
import { PythonPublisher } from './publisher.js';

const system = useSystem();
const python = new PythonPublisher('blocking');

afterAll(() => python.close());

// BullMQ 5 renames the list of waiting jobs when a queue is paused, and back when it is resumed: what the scripts of BullMQ 6
// put into the list of waiting jobs meanwhile would be gone.
test('what Python adds, retries and recovers while BullMQ has paused the queue is there when it is resumed', async () => {
  const queue = system.queue();
  const settings = { redis_url: system.url, prefix: system.prefix };
  const call = (method: string, args: readonly unknown[], kwargs = {}) =>
    python.call({ kind: 'Queue', name: queue.name, settings, method, args, kwargs });

  const failing = await system.nodeWorker(
    queue.name,
    async () => {
      throw new Error('not yet');
    },
    { skipStalledCheck: true },
  );
  await queue.add('echo', 1, { jobId: 'to-retry' });
  await system.jobIn('failed', queue, 'to-retry');
  await failing.close();
  await queue.add('echo', 2, { jobId: 'to-recover' });
  const vanishing = new Worker(queue.name, null, { connection: system.redis, prefix: system.prefix });
  await vanishing.waitUntilReady();
  await vanishing.getNextJob('vanished:0', { block: false });
  await vanishing.close();
  await system.redis.del(`${queue.toKey('to-recover')}:lock`);
  await queue.add('echo', 3, { jobId: 'to-wait' });
  await queue.pause();

  await call('add', ['echo', 4], { job_id: 'to-add' });
  await call('retry', ['to-retry']);
  const worker = await system.startWorker('processors.py', { queue: queue.name, stalled_interval_ms: 100 });
  await waitFor('recovery of the job whose worker vanished', async () => (await queue.getActiveCount()) === 0);

  await queue.resume();
  const ids = ['to-add', 'to-recover', 'to-retry', 'to-wait'];
  for (const id of ids) await system.jobIn('completed', queue, id);
  expect((await queue.getCompleted()).map(({ id }) => id).sort()).toEqual(ids);
  await worker.stop();
});
