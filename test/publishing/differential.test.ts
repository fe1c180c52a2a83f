import { Worker } from 'bullmq';
import { afterAll, describe, expect, test } from 'vitest';
import { takeSnapshot } from '../conformance/differential/snapshot.js';
import { isSince } from '../support/bundle.js';
import { Monitor } from '../support/monitor.js';
import { System } from '../support/system.js';
import { type Actor, NodeActor, PythonActor } from './actor.js';
import { type Form, PythonPublisher } from './publisher.js';
import { SCENARIOS, type Scenario, type Stage } from './scenarios.js';
import { type Call, callsOf } from './script-calls.js';

const QUEUE = 'work';
const publishers = { blocking: new PythonPublisher('blocking'), asyncio: new PythonPublisher('asyncio') };
const compared = new Set<string>();

afterAll(() => Promise.all(Object.values(publishers).map((publisher) => publisher.close())));

describe('what BullMQ publishes and what Python publishes leave the same state by the same calls', () => {
  test.for(SCENARIOS.map((scenario) => [scenario.name, scenario] as const))(
    '%s',
    async ([, scenario], { expect, skip }) => {
      skip(!isSince(scenario.since ?? '0'), `it came with BullMQ ${scenario.since}`);
      const node = await play(scenario, 'node');
      for (const form of ['blocking', 'asyncio'] as const) {
        const python = await play(scenario, form);
        expect.soft(python.state, form).toEqual(node.state);
        expect.soft(python.calls, form).toEqual(node.calls);
      }
      for (const { script } of node.calls) compared.add(script);
    },
  );
});

test.skipIf(!isSince('6.5.1'))(
  'together these scenarios need every script that publishing changes something with',
  () => {
    expect([...compared].sort()).toEqual([
      'addDelayedJob',
      'addJobScheduler',
      'addParentJob',
      'addPrioritizedJob',
      'addStandardJob',
      'changeDelay',
      'changePriority',
      'cleanJobsInSet',
      'del',
      'drain',
      'hdel',
      'hset',
      'moveJobsToWait',
      'obliterate',
      'pause',
      'promote',
      'releaseParentIfNoPendingDependencies',
      'removeJob',
      'removeJobScheduler',
      'reprocessJob',
      'set',
    ]);
  },
);

interface Outcome {
  readonly state: unknown;
  readonly calls: readonly Call[];
}

async function play(scenario: Scenario, language: 'node' | Form): Promise<Outcome> {
  const system = new System();
  try {
    const queue = system.queue(QUEUE);
    // Written by BullMQ's Queue when it is made; here before, and so for both.
    await queue.waitUntilReady();
    await queue.getVersion();
    const worker = new Worker(QUEUE, null, { connection: system.redis, prefix: system.prefix });
    await worker.waitUntilReady();
    const monitor = await Monitor.open(system.redis, system.prefix);
    const actor: Actor =
      language === 'node' ? new NodeActor(queue, system.flows()) : new PythonActor(publishers[language], QUEUE, system);
    await scenario.act(actor, stageOf(system, worker));
    const commands = await monitor.settled();
    monitor.close();
    await worker.close();
    return { state: settle(await takeSnapshot(system)), calls: callsOf(commands, system.prefix).filter(isPublishers) };
  } finally {
    await system.end();
  }
}

/** A worker of BullMQ in both cases, so that only the publisher differs. */
function stageOf(system: System, worker: Worker): Stage {
  const take = async () => {
    const job = await worker.getNextJob('token', { block: false });
    if (job === undefined) throw new Error('There is no job to take');
    return job;
  };
  return {
    system,
    queue: QUEUE,
    take: async () => {
      await take();
    },
    finish: async (outcome) => {
      const job = await take();
      if (outcome === 'complete') await job.moveToCompleted('done', 'token', false);
      else await job.moveToFailed(new Error('no'), 'token', false);
    },
  };
}

/** The worker's own calls are no subject here. */
function isPublishers({ script }: Call): boolean {
  return !['moveToActive', 'moveToFinished'].includes(script);
}

/** Hides what depends on the moment in the ids and options of a scheduler's jobs. */
function settle(value: unknown): unknown {
  if (typeof value === 'string') return withoutMomentInId(value);
  if (Array.isArray(value)) return value.map(settle);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const number = Number(item);
      const isMoment = Math.abs(number - Date.now()) < 86_400_000;
      const isDelayUntil2100 = key === 'delay' && number > 1_000_000_000;
      return [withoutMomentInId(key), isMoment || isDelayUntil2100 ? '(time)' : settle(item)];
    }),
  );
}

/** `repeat:<scheduler>:<time>` is the id of a scheduler's job. */
function withoutMomentInId(text: string): string {
  return text.replace(/(repeat:[^:]+:)(\d{13})/g, (id, start, moment) =>
    Math.abs(Number(moment) - Date.now()) < 86_400_000 ? `${start}(time)` : id,
  );
}
