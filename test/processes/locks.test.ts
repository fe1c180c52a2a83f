import type { Queue } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { completedCount, eventsOf, expectEachExactlyOnce, hashOf, settled } from '../faults/queue-state.js';
import { type Stage, useStages } from '../faults/stage.js';
import { isAlive } from '../support/processes.js';
import { type StartSettings, useSystem } from '../support/system.js';
import { waitFor } from '../support/wait-for.js';

const system = useSystem();
const newStage = useStages();

const SHORT_LOCK = { lock_duration_ms: 1_000, stalled_interval_ms: 400 };

function start(queue: Queue, stage: Stage, settings: Partial<StartSettings>) {
  return system.startWorker('processes_threads.py', { queue: queue.name, ...SHORT_LOCK, ...settings }, stage.env);
}

describe.concurrent('a lock', () => {
  it('of one second is kept in eight slots under C code that holds the GIL for four', async () => {
    const queue = system.queue();
    const stage = newStage();
    const worker = await start(queue, stage, { concurrency: 8 });
    const jobs = await queue.addBulk(Array.from({ length: 8 }, () => ({ name: 'hold-gil', data: { ms: 4_000 } })));
    await completedCount(queue, jobs.length);
    await worker.stop();
    expect(worker.log).not.toMatch(/is not ours any more/);
    await expectEachExactlyOnce(
      system.redis,
      queue,
      stage,
      jobs.map(({ id }) => id as string),
    );
  });

  it.each(['hold', 'hold-async', 'hold-thread'])(
    'is renewed while a job waits (%s), though its worker is told to stop',
    async (name) => {
      const queue = system.queue();
      const stage = newStage();
      const worker = await start(queue, stage, { concurrency: 1 });
      const { id = '' } = await queue.add(name, { sign: 'go' });
      await waitFor('the job', () => stage.runs(id).length === 1);
      const lock = queue.toKey(`${id}:lock`);
      const renewals = async (count: number) => {
        for (let seen = 0; seen < count; seen++) {
          await waitFor('a lock that runs down', async () => (await system.redis.pttl(lock)) < 850);
          await waitFor('its renewal', async () => (await system.redis.pttl(lock)) > 900);
        }
      };
      await renewals(3);
      worker.signal('SIGTERM');
      await worker.waitForLog(/SIGTERM/);
      await renewals(3);
      stage.putUp('go');
      expect(await worker.ended()).toBe(0);
      await expectEachExactlyOnce(system.redis, queue, stage, [id]);
    },
  );

  it.each([
    ['removed', (key: string) => system.redis.del(key)],
    ["another worker's", (key: string) => system.redis.set(key, 'other:1', 'PX', 60_000)],
  ])('that is %s ends the work of its process: it is killed, and nothing is acked', async (_, harm) => {
    const queue = system.queue();
    const stage = newStage();
    const settings = { concurrency: 2, stalled_interval_ms: 600_000 };
    const worker = await start(queue, stage, settings);
    const { id = '' } = await queue.add('compute', {});
    const sibling = await queue.add('hold', { sign: 'go' });
    const run = await waitFor('the job', () => stage.runs(id)[0]);
    await harm(queue.toKey(`${id}:lock`));
    await waitFor('the end of its process', () => !isAlive(run.pid));

    await worker.waitForLog(/job \S+ \(compute\) of queue \S+ is not ours any more: its lock could not be renewed/);
    const hash = await hashOf(system.redis, queue, id);
    expect(hash).not.toHaveProperty('failedReason');
    expect(hash).not.toHaveProperty('atm');
    for (const event of ['completed', 'failed']) {
      expect((await eventsOf(system.redis, queue, event)).map(({ jobId }) => jobId)).not.toContain(id);
    }
    // Its slot is there again, the sibling has not noticed.
    const { id: next = '' } = await queue.add('work', {});
    expect(await (await settled(queue, next)).getState()).toBe('completed');
    stage.putUp('go');
    expect(await (await settled(queue, sibling.id as string)).getState()).toBe('completed');
    expect(stage.runs(sibling.id)).toHaveLength(1);
    await worker.stop();
  });

  it('that is lost cancels a coroutine, whose result is not acked', async () => {
    const queue = system.queue();
    const stage = newStage();
    const worker = await start(queue, stage, { concurrency: 1, stalled_interval_ms: 600_000 });
    const { id = '' } = await queue.add('stubborn-async', {});
    await waitFor('the job', () => stage.runs(id).length === 1);
    await system.redis.del(queue.toKey(`${id}:lock`));
    await waitFor('its clean-up', () => stage.runs(id).length === 2);
    const { id: next = '' } = await queue.add('work', {});
    await settled(queue, next);
    expect(await hashOf(system.redis, queue, id)).not.toHaveProperty('returnvalue');
    expect((await eventsOf(system.redis, queue, 'completed')).map(({ jobId }) => jobId)).toEqual([next]);
    await worker.stop();
  });

  it('that is lost leaves a thread running in its slot; the slot takes the next job after it', async () => {
    const queue = system.queue();
    const stage = newStage();
    const worker = await start(queue, stage, { concurrency: 1, stalled_interval_ms: 600_000 });
    const { id = '' } = await queue.add('hold-thread', { sign: 'go' });
    await waitFor('the job', () => stage.runs(id).length === 1);
    await system.redis.del(queue.toKey(`${id}:lock`));
    await worker.waitForLog(/is not ours any more/);
    const { id: next = '' } = await queue.add('hold-thread', { sign: 'go' });
    await worker.waitForLog(/job \S+ does not let itself be stopped/);
    expect(await queue.getJobState(next)).toBe('waiting');
    stage.putUp('go');
    expect(await (await settled(queue, next)).getState()).toBe('completed');
    expect(await hashOf(system.redis, queue, id)).not.toHaveProperty('returnvalue');
    await worker.stop();
  });
});
