import { expect, it } from 'vitest';
import { useSystem } from '../support/system.js';
import { completedCount, expectEachExactlyOnce } from './queue-state.js';
import { useStages } from './stage.js';

const system = useSystem();
const newStage = useStages();

it('jobs that keep a CPU busy for four times their lock complete, each exactly once, with two workers', async () => {
  const queue = system.queue();
  const stage = newStage();
  const settings = { queue: queue.name, concurrency: 2, lock_duration_ms: 1_000, stalled_interval_ms: 500 };
  const workers = [0, 1].map(() => system.startWorker('faults_worker.py', settings, stage.env));
  await Promise.all(workers);

  const jobs = await queue.addBulk(Array.from({ length: 4 }, () => ({ name: 'spin', data: { ms: 4_000 } })));
  await completedCount(queue, 4);

  await expectEachExactlyOnce(
    system.redis,
    queue,
    stage,
    jobs.map(({ id }) => id as string),
  );
  expect(new Set(stage.runs().map(({ pid }) => pid)).size).toBe(4);
  for (const worker of await Promise.all(workers)) await worker.stop();
});
