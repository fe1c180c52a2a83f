import { FlowProducer } from 'bullmq';
import { z } from 'zod';
import { defineQueue, JobQueue, job } from '../src/bridge/index.js';
import { type Ground, openQueue } from './ground.js';
import { median } from './statistics.js';

const contract = defineQueue('publishing', {
  noop: job({ data: z.object({ id: z.string() }), result: z.null(), options: { priority: 'normal' } }),
});
const OPTIONS = { priority: 10 };
/** Times as many rounds as elsewhere: they are short, and those of flows, of one call each, differ by a tenth. */
const MORE_ROUNDS = 4;

/** Our typed publishing over BullMQ's own, as ratios of jobs a second. */
export async function publishing(ground: Ground): Promise<{ add: number; addMany: number; flow: number }> {
  const bare = openQueue(ground, 'publishing-bare');
  const flows = new FlowProducer({ connection: ground.redis });
  const typed = new JobQueue(contract, { connection: ground.redis });
  const payload = (index: number) => ({ id: `document-${index}` });
  const jobs = Math.min(ground.scale.jobs, 10_000);
  const children = Math.ceil(jobs);
  try {
    const add = await ratio(ground, 'add', {
      ours: () => each(jobs, (index) => typed.add('noop', payload(index))),
      theirs: () => each(jobs, (index) => bare.add('noop', payload(index), OPTIONS)),
    });
    const addMany = await ratio(ground, 'add many', {
      ours: () => bulks(jobs, (items) => typed.addMany(items)),
      theirs: () => bulks(jobs, (items) => bare.addBulk(items.map((item) => ({ ...item, opts: OPTIONS })))),
    });
    const flow = await ratio(ground, 'flow', {
      ours: () =>
        typed.flow({
          name: 'noop',
          data: payload(0),
          children: range(children).map((index) => ({ name: 'noop' as const, data: payload(index) })),
        }),
      theirs: () =>
        flows.add({
          name: 'noop',
          queueName: bare.name,
          data: payload(0),
          opts: OPTIONS,
          children: range(children).map((index) => ({
            name: 'noop',
            queueName: bare.name,
            data: payload(index),
            opts: { ...OPTIONS, ignoreDependencyOnFailure: true },
          })),
        }),
    });
    return { add, addMany, flow };
  } finally {
    await Promise.all([bare.close(), typed.close(), flows.close()]);
  }
}

async function ratio(
  ground: Ground,
  title: string,
  contestants: { ours: () => Promise<unknown>; theirs: () => Promise<unknown> },
): Promise<number> {
  const times = { ours: [] as number[], theirs: [] as number[] };
  for (let round = 0; round <= MORE_ROUNDS * ground.scale.rounds; round += 1) {
    // In turn, and each goes first in every other round.
    const order = round % 2 === 0 ? (['ours', 'theirs'] as const) : (['theirs', 'ours'] as const);
    for (const contestant of order) {
      // Else the one would collect the garbage of the other.
      globalThis.gc?.();
      const started = performance.now();
      await contestants[contestant]();
      if (round > 0) times[contestant].push(performance.now() - started);
      await ground.redis.flushdb();
    }
  }
  // Round by round, for the same reason as in `ratio` of drain.ts.
  const result = median(times.theirs.map((ms, index) => ms / (times.ours[index] ?? Number.NaN)));
  ground.say(`${title}: ${result.toFixed(2)} of BullMQ's speed`);
  return result;
}

/** Ten at a time, as a server under load would. */
async function each(count: number, add: (index: number) => Promise<unknown>): Promise<void> {
  for (let index = 0; index < count; index += 10) {
    await Promise.all(range(Math.min(10, count - index)).map((offset) => add(index + offset)));
  }
}

async function bulks(
  count: number,
  add: (items: { name: 'noop'; data: { id: string } }[]) => Promise<unknown>,
): Promise<void> {
  for (let index = 0; index < count; index += 1_000) {
    await add(
      range(Math.min(1_000, count - index)).map((offset) => ({ name: 'noop', data: { id: `d-${index + offset}` } })),
    );
  }
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
