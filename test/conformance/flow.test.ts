import { randomUUID } from 'node:crypto';
import type { FlowJob, Job } from 'bullmq';
import { beforeAll, describe, expect, test } from 'vitest';
import { readFailure } from '../../src/bridge/index.js';
import { orderOf, readStream } from '../support/event-stream.js';
import { useSystem } from '../support/system.js';
import { waitFor } from '../support/wait-for.js';

const system = useSystem();
const flows = system.flows();
const queue = system.queue();
const queueName = queue.name;

beforeAll(async () => {
  await system.startWorker('processors.py', { queue: queueName, concurrency: 1 });
});

type Child = NonNullable<FlowJob['children']>[number];

const good = (data: unknown): Child => ({ name: 'echo', queueName, data });
const bad = (opts: Child['opts']): Child => ({ name: 'fail', queueName, data: { message: 'Kind "kaputt" 😀' }, opts });

async function addFlow(children: Child[], opts: FlowJob['opts'] = {}) {
  const flow = await flows.add({ name: 'collect', queueName, data: {}, children, opts });
  const keys = (flow.children ?? []).map(({ job }) => `${job.queueQualifiedName}:${job.id}`);
  return { id: flow.job.id as string, keys, jobs: (flow.children ?? []).map(({ job }) => job) };
}

describe('the parent of a flow', () => {
  test('runs after its children, and gets their values', async () => {
    const values = [{ text: 'ü😀', list: [1, null] }, null, 0.5];
    const { id, keys } = await addFlow(values.map(good));
    const parent = await system.jobIn('completed', queue, id);
    expect(parent.returnvalue).toEqual({
      values: Object.fromEntries(keys.map((key, index) => [key, values[index]])),
      failures: {},
    });
    expect(await parent.getChildrenValues()).toEqual(parent.returnvalue.values);
    expect((await readStream(system.redis, queue, id)).map(({ event }) => event)).toEqual([
      'added',
      'waiting-children',
      'waiting',
      'active',
      'completed',
    ]);
  });

  test('runs although a child failed whose failure it ignores, and gets the reason', async () => {
    const { id, keys } = await addFlow([good(1), bad({ ignoreDependencyOnFailure: true }), good(3)]);
    const parent = await system.jobIn('completed', queue, id);
    expect(parent.returnvalue).toEqual({
      values: { [keys[0] as string]: 1, [keys[2] as string]: 3 },
      failures: { [keys[1] as string]: 'Kind "kaputt" 😀' },
    });
    expect(await parent.getIgnoredChildrenFailures()).toEqual(parent.returnvalue.failures);
  });

  test('waits while an ignored child has attempts left', async () => {
    const child: Child = {
      name: 'flaky',
      queueName,
      data: { failures: 1 },
      opts: { attempts: 2, ignoreDependencyOnFailure: true },
    };
    const { id, keys } = await addFlow([child]);
    const parent = await system.jobIn('completed', queue, id);
    expect(parent.returnvalue).toEqual({ values: { [keys[0] as string]: 1 }, failures: {} });
  });

  test('fails with the reason, without being run, when a child fails that it depends on', async () => {
    const { id, keys } = await addFlow([bad({ failParentOnFailure: true })], { attempts: 3 });
    const parent = await system.jobIn('failed', queue, id);
    expect(parent.failedReason).toBe(`child ${keys[0]} failed`);
    expect(await readFailure(system.redis, parent)).toMatchObject({ kind: 'deferred', attempt: 1 });
    expect(parent.attemptsMade).toBe(1);
    expect(parent.returnvalue).toBeNull();
    expect(await system.redis.hexists(queue.toKey(id), 'defa')).toBe(0);
  });

  test('fails the flow up to its root', async () => {
    const leaf = bad({ failParentOnFailure: true });
    const middle: Child = {
      name: 'collect',
      queueName,
      data: {},
      children: [leaf],
      opts: { failParentOnFailure: true },
    };
    const { id, keys } = await addFlow([middle]);
    const root = await system.jobIn('failed', queue, id);
    expect(root.failedReason).toBe(`child ${keys[0]} failed`);
  });

  test('goes on at once when a child fails that lets it continue, and again when the others have ended', async () => {
    const other = system.queue();
    const slow: Child = { name: 'echo', queueName: other.name, data: 'slow' };
    const { id, keys } = await addFlow([slow, bad({ continueParentOnFailure: true })]);
    // It has run while a child is missing, which no job can complete without.
    await waitFor('a first run of the parent', async () => (await queue.getJob(id))?.attemptsStarted === 1);
    await system.jobIn('waiting-children', queue, id);
    const worker = await system.startWorker('processors.py', { queue: other.name });
    const parent = await system.jobIn('completed', queue, id);
    expect(parent.returnvalue).toEqual({
      values: { [keys[0] as string]: 'slow' },
      failures: { [keys[1] as string]: 'Kind "kaputt" 😀' },
    });
    expect(parent.attemptsStarted).toBe(2);
    // The first run was no attempt that failed.
    expect(parent.attemptsMade).toBe(1);
    expect(parent.failedReason).toBeUndefined();
    await worker.stop();
  });

  test('forgets a failed child that is removed from its dependencies', async () => {
    const { id, keys } = await addFlow([bad({ removeDependencyOnFailure: true }), good(2)]);
    const parent = await system.jobIn('completed', queue, id);
    expect(parent.returnvalue).toEqual({ values: { [keys[1] as string]: 2 }, failures: {} });
  });

  test('stays waiting when a child fails without a policy', async () => {
    const { id, jobs } = await addFlow([bad({})]);
    await system.jobIn('failed', queue, jobs[0]?.id);
    await system.workerIsIdle(queueName);
    expect(await queue.getJobState(id)).toBe('waiting-children');
  });

  test('gets the values of children that were removed when they completed', async () => {
    const removed = (child: Child): Child => ({
      ...child,
      opts: { ...child.opts, removeOnComplete: true, removeOnFail: true },
    });
    const { id, keys } = await addFlow([removed(good('kept')), removed(bad({ ignoreDependencyOnFailure: true }))]);
    const parent = await system.jobIn('completed', queue, id);
    expect(parent.returnvalue).toEqual({
      values: { [keys[0] as string]: 'kept' },
      failures: { [keys[1] as string]: 'Kind "kaputt" 😀' },
    });
    expect(await system.redis.exists(...keys)).toBe(0);
  });

  test('has children in another queue, each run by the worker of its queue', async () => {
    const other = system.queue();
    const worker = await system.startWorker('processors.py', { queue: other.name, name: 'elsewhere' });
    const { id, keys, jobs } = await addFlow([
      { name: 'echo', queueName: other.name, data: 'from afar' },
      { name: 'fail', queueName: other.name, data: { message: 'afar' }, opts: { ignoreDependencyOnFailure: true } },
      good('from here'),
    ]);
    const parent = await system.jobIn('completed', queue, id);
    expect(parent.returnvalue).toEqual({
      values: { [keys[0] as string]: 'from afar', [keys[2] as string]: 'from here' },
      failures: { [keys[1] as string]: 'afar' },
    });
    expect((await other.getJob(jobs[0]?.id as string))?.processedBy).toBe('elsewhere');
    await worker.stop();
  });

  test('is known to its children', async () => {
    const { id, jobs } = await addFlow([{ name: 'introduce', queueName, data: {} }]);
    await system.jobIn('completed', queue, id);
    const child = (await queue.getJob(jobs[0]?.id as string)) as Job;
    expect(child.returnvalue.parent_key).toBe(queue.toKey(id));
  });

  test('without children runs at once', async () => {
    const { id } = await addFlow([]);
    expect((await system.jobIn('completed', queue, id)).returnvalue).toEqual({ values: {}, failures: {} });
  });
});

describe('the parent runs', () => {
  async function order(priorities: { parent?: number; child?: number }): Promise<string[]> {
    const gate = `${system.prefix}:gate`;
    const run = randomUUID();
    const busy = await queue.add('hold', { gate });
    await system.jobIn('active', queue, busy.id);
    for (const flow of ['1', '2']) {
      const options = (name: string, priority?: number) => {
        const jobId = `${name} of ${run}`;
        return priority === undefined ? { jobId } : { jobId, priority };
      };
      await flows.add({
        name: 'collect',
        queueName,
        opts: options(`parent ${flow}`, priorities.parent),
        children: ['a', 'b'].map((child) => ({
          name: 'echo',
          queueName,
          opts: options(`child ${flow}${child}`, priorities.child),
        })),
      });
    }
    await system.redis.rpush(gate, 'open');
    for (const flow of ['1', '2']) await system.jobIn('completed', queue, `parent ${flow} of ${run}`);
    const started = (await orderOf('active', system.redis, queue)) as string[];
    return started.filter((id) => id.endsWith(run)).map((id) => id.replace(` of ${run}`, ''));
  }

  const EACH_AFTER_ITS_CHILDREN = ['child 1a', 'child 1b', 'parent 1', 'child 2a', 'child 2b', 'parent 2'];

  test('before the waiting children of the next flow, when it is high and they are normal', async () => {
    expect(await order({ parent: 1, child: 10 })).toEqual(EACH_AFTER_ITS_CHILDREN);
  });

  test('before the waiting children of the next flow, when nothing has a priority', async () => {
    expect(await order({})).toEqual(EACH_AFTER_ITS_CHILDREN);
  });

  test('last, when it has a priority and the children have none', async () => {
    const all = await order({ parent: 1 });
    expect(all.slice(-2).toSorted()).toEqual(['parent 1', 'parent 2']);
  });
});
