import { FlowProducer, Queue, QueueEvents } from 'bullmq';
import { createClient } from 'redis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { useSystem } from '../support/system.js';

// BullMQ 6 talks through the client that it is given; that of a backend with node-redis must mean the same to Python.
const system = useSystem();
const client = createClient({ url: system.url });
const options = { connection: client as never, prefix: system.prefix };
let queue: Queue;
let events: QueueEvents;

beforeAll(async () => {
  await client.connect();
  queue = new Queue('node-redis', options);
  events = new QueueEvents('node-redis', options);
  await events.waitUntilReady();
  await system.startWorker('processors.py', { queue: queue.name });
});

afterAll(async () => {
  await events.close();
  await queue.close();
  client.destroy();
});

test.each([
  ['plain', {}],
  ['delayed', { delay: 20 }],
  ['prioritized', { priority: 5 }],
])('a %s job that node-redis has added comes back with its result', async (_, opts) => {
  const data = { text: 'ü 😀', list: [1, null, true], number: 1e-7 };
  const job = await queue.add('echo', data, opts);
  expect(await job.waitUntilFinished(events, 15_000)).toEqual(data);
});

test('a job that fails does so with its reason, after its attempts', async () => {
  const job = await queue.add('fail', { message: 'no' }, { attempts: 2, backoff: { type: 'fixed', delay: 5 } });
  await expect(job.waitUntilFinished(events, 15_000)).rejects.toThrow('no');
  const failed = await queue.getJob(String(job.id));
  expect(failed?.attemptsMade).toBe(2);
});

test('a flow that node-redis has added runs the children first', async () => {
  const flows = new FlowProducer(options);
  const { job } = await flows.add({
    name: 'collect',
    queueName: queue.name,
    children: ['a', 'b'].map((data) => ({ name: 'echo', queueName: queue.name, data })),
  });
  const { values } = await job.waitUntilFinished(events, 15_000);
  expect(Object.values(values).sort()).toEqual(['a', 'b']);
  await flows.close();
});
