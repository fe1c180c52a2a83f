// Node's own Worker. Environment: REDIS_URL, QUEUE, CONCURRENCY.
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';

const { REDIS_URL = '', QUEUE = '', CONCURRENCY } = process.env;
const connection = new Redis(REDIS_URL, { maxRetriesPerRequest: null });
const worker = new Worker(QUEUE, async () => null, {
  connection,
  concurrency: Number(CONCURRENCY),
});
await worker.waitUntilReady();
console.log('ready');
process.on('SIGTERM', async () => {
  await worker.close();
  process.exit(0);
});
