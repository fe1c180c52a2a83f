import { describe, expect, it } from 'vitest';
import { type StartSettings, useSystem } from '../support/system.js';
import { settled } from './queue-state.js';
import { useStages } from './stage.js';

const system = useSystem();
const newStage = useStages();

describe.concurrent('a worker', () => {
  it.each(['first', 'second'])(
    'whose module declares two for the same queue runs its own processors (%s)',
    async (which) => {
      const queue = system.queue();
      const worker = await system.startWorker(
        'faults_declared_twice.py',
        { queue: queue.name, concurrency: 1 },
        { WHICH: which },
      );
      const { id = '' } = await queue.add('which', {});
      expect((await settled(queue, id)).returnvalue).toBe(which);
      await worker.stop();
    },
  );

  it.each<[string, string, Partial<StartSettings>, Record<string, string>, RegExp]>([
    [
      'whose module cannot be imported by its children',
      'faults_program_only.py',
      {},
      {},
      /cannot start: Traceback .*ImportError: this module is a program/s,
    ],
    [
      'without the contract that it names',
      'faults_worker.py',
      { contract: '/nowhere' },
      {},
      /cannot start: \/nowhere\/contract\.json is missing: run `npx bullmq-bridge emit`/,
    ],
    [
      'with a name that Redis refuses',
      'faults_worker.py',
      { name: 'two words' },
      {},
      /worker name 'two words' may not contain white space/,
    ],
    [
      'without the bundle of scripts that it names',
      'faults_worker.py',
      {},
      { BULLMQ_BRIDGE_BUNDLE: '/nowhere/bundle.json' },
      /cannot start: no protocol bundle at \/nowhere\/bundle\.json: run `npx bullmq-bridge emit`/,
    ],
  ])('%s says so and ends with code 1; its queue is untouched', async (_, fixture, settings, env, message) => {
    const queue = system.queue();
    const stage = newStage();
    const { id = '' } = await queue.add('work', {});

    const worker = system.launchWorker(
      fixture,
      { queue: queue.name, concurrency: 2, ...settings },
      { ...stage.env, ...env },
    );

    expect(await worker.ended()).toBe(1);
    expect(worker.log).toMatch(message);
    expect(await queue.getJobState(id)).toBe('waiting');
    expect(stage.runs()).toEqual([]);
  });
});
