import { describe, expect, it } from 'vitest';
import { readFailure } from '../../src/bridge/index.js';
import { useSystem } from '../support/system.js';
import { waitFor } from '../support/wait-for.js';
import { hashOf, settled } from './queue-state.js';
import { useStages } from './stage.js';

const system = useSystem();
const newStage = useStages();

describe.concurrent('a process slot that dies under its job', () => {
  it.each([
    ['os._exit', { name: 'misbehave', data: { how: 'os-exit' } }, /ended with exit code 3/],
    ['a segmentation fault', { name: 'misbehave', data: { how: 'segfault' } }, /was killed by SIGSEGV/],
    ['SIGKILL from outside', { name: 'stuck', data: {} }, /was killed by SIGKILL/],
  ])(
    'by %s fails that job as crashed, leaves its sibling alone, and is replaced',
    async (_, { name, data }, reason) => {
      const queue = system.queue();
      const stage = newStage();
      const worker = await system.startWorker('faults_worker.py', { queue: queue.name, concurrency: 2 }, stage.env);
      const sibling = await queue.add('hold', { sign: 'finish' });
      const siblingId = sibling.id as string;
      await waitFor('the sibling', () => stage.runs(siblingId).length === 1);

      const crashing = await queue.add(name, data);
      const id = crashing.id as string;
      if (name === 'stuck') {
        const run = await waitFor('the job to be killed', () => stage.runs(id)[0]);
        process.kill(run.pid, 'SIGKILL');
      }
      const crashed = await settled(queue, id);

      expect(await crashed.getState()).toBe('failed');
      expect(crashed.failedReason).toMatch(reason);
      expect(await readFailure(system.redis, crashed)).toMatchObject({ kind: 'crashed', attempt: 1 });
      expect(stage.runs(id)).toHaveLength(1);
      const next = await queue.add('work', {});
      expect(await (await settled(queue, next.id as string)).getState()).toBe('completed');
      const deadPid = stage.runs(id)[0]?.pid as number;
      await waitFor('two children again', async () => {
        const children = await worker.children();
        return children.length === 2 && !children.includes(deadPid);
      });
      stage.putUp('finish');
      expect((await settled(queue, siblingId)).returnvalue).toBe('finish');
      expect(stage.runs(siblingId)).toHaveLength(1);
      expect(await hashOf(system.redis, queue, siblingId)).not.toHaveProperty('stc');
      await worker.stop();
    },
  );

  it('uses up one attempt a crash, and is replaced as often as it takes', async () => {
    const queue = system.queue();
    const stage = newStage();
    const worker = await system.startWorker('faults_worker.py', { queue: queue.name, concurrency: 1 }, stage.env);

    const job = await queue.add('misbehave', { how: 'os-exit' }, { attempts: 3 });
    const failed = await settled(queue, job.id as string);

    expect(failed.attemptsMade).toBe(3);
    expect(failed.stacktrace).toHaveLength(3);
    const pids = stage.runs().map(({ pid }) => pid);
    expect(new Set(pids).size).toBe(3);
    await worker.stop();
  });
});
