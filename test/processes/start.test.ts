import { describe, expect, it } from 'vitest';
import { settled } from '../faults/queue-state.js';
import { useStages } from '../faults/stage.js';
import { useSystem } from '../support/system.js';
import { waitFor } from '../support/wait-for.js';

const system = useSystem();
const newStage = useStages();

/** More than a process needs that is not stuck, even on a busy machine. */
const START_TIMEOUT_S = 5;

describe.concurrent('a process that is stuck at its start', () => {
  it('makes the worker fail to start, which says what is stuck and where', async () => {
    const queue = system.queue();
    const stage = newStage();
    stage.putUp('setup-hangs');
    const settings = { queue: queue.name, concurrency: 2, start_timeout_s: START_TIMEOUT_S };
    const worker = system.launchWorker('processes_plain.py', settings, stage.env);
    expect(await worker.ended()).toBe(1);
    expect(worker.log).toMatch(
      /the worker of queue \S+ cannot start: process \d+ was not ready within 5 s and was killed: the import of .* setup\(\)/,
    );
    // Where: the stack of the process.
    expect(worker.log).toMatch(/File ".*processes_plain\.py", line \d+ in setup/);
    expect(worker.log).not.toMatch(/Traceback/);
  });

  it('is reported, killed and tried again when it replaces another; meanwhile the other slot goes on', async () => {
    const queue = system.queue();
    const stage = newStage();
    const settings = { queue: queue.name, concurrency: 2, start_timeout_s: START_TIMEOUT_S };
    const worker = await system.startWorker('processes_plain.py', settings, stage.env);
    stage.putUp('setup-hangs');
    const { id: first = '' } = await queue.add('die', {});
    await settled(queue, first);
    const { id: second = '' } = await queue.add('work', {});
    expect(await (await settled(queue, second)).getState()).toBe('completed');

    await worker.waitForLog(/the process of slot \d could not start: process \d+ was not ready within 5 s/);
    stage.takeDown('setup-hangs');
    stage.putUp('never');
    await waitFor('two processes that are ready', async () => {
      const children = (await worker.children()).map(String);
      const left = stage.lines('ready');
      return children.length === 2 && children.every((pid) => left.includes(pid));
    });
    await worker.stop();
  });

  it('is no obstacle to SIGTERM: it is killed after its time to leave', async () => {
    const queue = system.queue();
    const stage = newStage();
    stage.putUp('setup-hangs');
    const worker = system.launchWorker('processes_plain.py', { queue: queue.name, concurrency: 1 }, stage.env);
    await waitFor('a setup', () => stage.lines('setups').length === 1);
    worker.signal('SIGTERM');
    expect(await worker.ended()).toBe(0);
  });
});

describe.concurrent('a process that cannot start', () => {
  it('makes the worker fail to start, which shows what setup() raised', async () => {
    const queue = system.queue();
    const stage = newStage();
    stage.putUp('setup-fails');
    const worker = system.launchWorker('processes_plain.py', { queue: queue.name, concurrency: 2 }, stage.env);
    expect(await worker.ended()).toBe(1);
    expect(worker.log).toMatch(/cannot start: Traceback .*RuntimeError: no such database\n/s);
  });

  it('is reported and tried again when it replaces another', async () => {
    const queue = system.queue();
    const stage = newStage();
    const worker = await system.startWorker('processes_plain.py', { queue: queue.name, concurrency: 1 }, stage.env);
    stage.putUp('setup-fails');
    const { id: first = '' } = await queue.add('die', {});
    await settled(queue, first);
    const { id: second = '' } = await queue.add('work', {});
    await worker.waitForLog(/the process of slot 0 could not start: Traceback .*RuntimeError: no such database\n/s);
    stage.takeDown('setup-fails');
    const done = await settled(queue, second);
    expect(await done.getState()).toBe('completed');
    expect(done.attemptsMade).toBe(1);
    await worker.stop();
  });
});
