import { Contestant } from './contestant.js';
import { fill, type Ground, openQueue, untilCompleted } from './ground.js';
import { median } from './statistics.js';

const SECONDS = 0.02;

/** How much faster two process slots are than one, with 20 ms of pure Python in each job. */
export async function cpuBoundScaling(ground: Ground): Promise<number> {
  const slots = [1, 2].map((concurrency) => {
    const queue = openQueue(ground, `cpu-${concurrency}`);
    const worker = new Contestant('process', queue.name, concurrency, ground.redisUrl, ground.interpreters);
    return { queue, worker, rounds: [] as number[] };
  });
  try {
    await Promise.all(slots.map(({ worker }) => worker.ready));
    for (let round = 0; round < ground.scale.rounds; round += 1) {
      for (const { queue, rounds } of slots) {
        await queue.pause();
        await fill(queue, ground.scale.samples, { seconds: SECONDS }, 'cpu');
        const started = performance.now();
        await queue.resume();
        await untilCompleted(ground, queue, ground.scale.samples);
        rounds.push(ground.scale.samples / (performance.now() - started));
        await queue.obliterate({ force: true });
      }
    }
    const [one, two] = slots.map(({ rounds }) => median(rounds)) as [number, number];
    ground.say(`20 ms of Python a job: 1 slot ${(one * 1000).toFixed(1)} jobs/s, 2 slots ${(two * 1000).toFixed(1)}`);
    return two / one;
  } finally {
    await Promise.all(slots.map(({ worker }) => worker.stop()));
    await Promise.all(slots.map(({ queue }) => queue.close()));
  }
}
