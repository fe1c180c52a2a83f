import type { Job, Queue } from 'bullmq';
import { Contestant, type Kind } from './contestant.js';
import { type Ground, openQueue, untilCompleted } from './ground.js';
import { quantile } from './statistics.js';

/** Times in ms by contestant: from the moment that a job may start to the moment that it does. */
export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

const KINDS: readonly Kind[] = ['node', 'async'];
const DELAY_MS = 60;

/** From `add` to the start, on a worker that is idle. */
export function pickup(ground: Ground): Promise<Record<string, Latency>> {
  return measure(ground, 'pickup', 0);
}

/** How late a delayed job starts, on a worker that is idle. */
export function delayedLateness(ground: Ground): Promise<Record<string, Latency>> {
  return measure(ground, 'delayed', DELAY_MS);
}

async function measure(ground: Ground, title: string, delay: number): Promise<Record<string, Latency>> {
  const entries = KINDS.map((kind) => {
    const queue = openQueue(ground, `${title}-${kind}`);
    const worker = new Contestant(kind, queue.name, 1, ground.redisUrl, ground.interpreters);
    return { kind, queue, worker, times: [] as number[] };
  });
  try {
    await Promise.all(entries.map(({ worker }) => worker.ready));
    const samples = ground.scale.samples;
    for (let sample = 0; sample < samples; sample += 1) {
      for (const { queue, times } of entries) {
        const added = performance.timeOrigin + performance.now();
        const job = await queue.add('noop', {}, delay === 0 ? {} : { delay });
        await untilCompleted(ground, queue, sample + 1);
        times.push(delay === 0 ? await startedAfter(queue, job, added) : await lateness(queue, job));
      }
    }
    return Object.fromEntries(
      entries.map(({ kind, times }) => {
        const latency = { p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
        ground.say(`${title}, ${kind}: p50 ${latency.p50.toFixed(2)} ms, p99 ${latency.p99.toFixed(2)} ms`);
        return [kind, latency];
      }),
    );
  } finally {
    await Promise.all(entries.map(({ worker }) => worker.stop()));
    await Promise.all(entries.map(({ queue }) => queue.close()));
  }
}

/** By the worker's clock, which is this machine's. */
async function startedAfter(queue: Queue, job: Job, added: number): Promise<number> {
  return (await processedOn(queue, job)) - added;
}

async function lateness(queue: Queue, job: Job): Promise<number> {
  return (await processedOn(queue, job)) - (job.timestamp + DELAY_MS);
}

async function processedOn(queue: Queue, job: Job): Promise<number> {
  const processed = (await queue.getJob(String(job.id)))?.processedOn;
  if (processed === undefined) throw new Error(`job ${job.id} of ${queue.name} was not processed`);
  return processed;
}
