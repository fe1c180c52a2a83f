import type { JobsOptions } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { useSystem } from '../support/system.js';
import { settled } from './queue-state.js';
import { useStages } from './stage.js';

const system = useSystem();
const newStage = useStages();

/** A job, and one after it in the same slot: whatever becomes of the first, the slot is there for the second. */
async function endOf(name: string, options: JobsOptions = {}) {
  const queue = system.queue();
  const worker = await system.startWorker('faults_endings.py', { queue: queue.name, concurrency: 1 });
  const { id = '' } = await queue.add(name, {}, options);
  const next = await queue.add('work', 0);
  const job = await settled(queue, id);
  const state = await job.getState();
  expect((await settled(queue, String(next.id))).returnvalue).toBe('done');
  await worker.stop();
  return { job, state, worker };
}

describe.concurrent('a job fails, and its slot goes on', () => {
  it.each(['raise-process', 'wordless-async'])('when its backoff strategy raises (%s)', async (name) => {
    const { job, state, worker } = await endOf(name, { attempts: 3, backoff: { type: 'broken' } });
    expect([state, job.attemptsMade]).toEqual(['failed', 1]);
    expect(worker.log).toContain(`job ${job.id}: its options cannot be followed`);
  });

  it('when its backoff is none that there is', async () => {
    const { state } = await endOf('raise-process', { attempts: 3, backoff: { type: 'fixed', delay: 'soon' as never } });
    expect(state).toBe('failed');
  });

  it.each(['wordless-process', 'wordless-thread', 'wordless-async'])(
    'when the text of its error cannot be read (%s)',
    async (name) => {
      const { job, state } = await endOf(name);
      expect([state, job.failedReason]).toEqual(['failed', 'Wordless']);
    },
  );

  it('when a coroutine calls sys.exit()', async () => {
    const { job, state } = await endOf('exit-async');
    expect([state, job.failedReason]).toEqual(['failed', '0']);
  });
});

it('a job that did not wait for the answer whether it waits for its children ends as if it had not asked', async () => {
  const queue = system.queue();
  const worker = await system.startWorker('faults_endings.py', { queue: queue.name, concurrency: 1 });
  const { id = '' } = await queue.add('move-impatiently', {});
  const next = await queue.add('work', 0);
  expect((await settled(queue, id)).returnvalue).toBe('impatient');
  expect((await settled(queue, String(next.id))).returnvalue).toBe('done');
  await worker.stop();
});

it('a burst of several queues ends when none has anything left, though one had nothing before', async () => {
  const [first, second] = [system.queue(), system.queue()];
  const stage = newStage();
  const settings = { queue: first.name, concurrency: 1, burst: true };
  const env = { ...stage.env, SECOND_QUEUE: second.name };
  stage.putUp('go');
  const { job } = await system.flows().add({
    name: 'hold',
    queueName: first.name,
    data: { sign: 'go' },
    children: [{ name: 'hold', queueName: second.name, data: { sign: 'go' } }],
  });
  const last = await second.add('hold', { sign: 'later' });
  const worker = await system.startWorker('faults_two_queues.py', settings, env);
  const parent = await settled(first, String(job.id));
  expect([await parent.getState(), parent.attemptsStarted]).toEqual(['completed', 1]);
  expect(worker.isRunning).toBe(true);
  stage.putUp('later');
  expect(await worker.ended()).toBe(0);
  expect(await second.getJobState(String(last.id))).toBe('completed');
});
