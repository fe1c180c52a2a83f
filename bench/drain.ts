import * as z from 'zod';
import { defineQueue, job } from '../src/bridge/index.js';
import { Contestant, type Kind } from './contestant.js';
import { withEmitted } from './emitted-contract.js';
import { fill, type Ground, microsecondsInScripts, openQueue, untilCompleted } from './ground.js';
import { median } from './statistics.js';

/** How fast one contestant worked off jobs that do nothing, once. */
export interface Round {
  readonly jobsPerSecond: number;
  readonly cpuUsPerJob: number;
  /** Redis' time in scripts over wall time. */
  readonly redisBusy: number;
}

/** The medians of the rounds, and the rounds. */
export interface Drained extends Round {
  readonly rounds: readonly Round[];
}

/** Works off a filled queue: rounds of the contestants in turn, after a warm-up; medians. Ours check a contract. */
export async function drain(
  ground: Ground,
  kinds: readonly Kind[],
  concurrency: number,
): Promise<Record<string, Drained>> {
  const nameOf = (kind: Kind) => `drain-${kind}-${concurrency}`;
  const noop = job({ data: z.object({}), result: z.null() });
  const contracts = kinds.map((kind) => defineQueue(nameOf(kind), { noop }));
  return withEmitted(contracts, (folder) => drainBy(ground, kinds, concurrency, nameOf, folder));
}

async function drainBy(
  ground: Ground,
  kinds: readonly Kind[],
  concurrency: number,
  nameOf: (kind: Kind) => string,
  contract: string,
): Promise<Record<string, Drained>> {
  const entries = kinds.map((kind) => {
    const queue = openQueue(ground, nameOf(kind));
    const worker = new Contestant(kind, queue.name, concurrency, ground.redisUrl, ground.interpreters, {
      CONTRACT: contract,
    });
    return { kind, queue, worker, rounds: [] as Round[] };
  });
  try {
    await Promise.all(entries.map(({ worker }) => worker.ready));
    for (let round = 0; round <= ground.scale.rounds; round += 1) {
      for (const { kind, queue, worker, rounds } of entries) {
        const warmUp = round === 0;
        const jobs = warmUp ? Math.ceil(ground.scale.jobs / 10) : ground.scale.jobs;
        await queue.pause();
        await fill(queue, jobs);
        await ground.redis.config('RESETSTAT');
        const cpu = worker.cpuMs();
        const started = performance.now();
        await queue.resume();
        await untilCompleted(ground, queue, jobs);
        const ms = performance.now() - started;
        const drained = {
          jobsPerSecond: jobs / (ms / 1_000),
          cpuUsPerJob: ((worker.cpuMs() - cpu) * 1_000) / jobs,
          redisBusy: (await microsecondsInScripts(ground.redis)) / 1_000 / ms,
        };
        if (!warmUp) rounds.push(drained);
        ground.say(`${kind} x${concurrency}${warmUp ? ' (warm-up)' : ''}: ${Math.round(drained.jobsPerSecond)} jobs/s`);
        await queue.obliterate({ force: true });
      }
    }
    return Object.fromEntries(entries.map(({ kind, rounds }) => [kind, medians(rounds)]));
  } finally {
    await Promise.all(entries.map(({ worker }) => worker.stop()));
    await Promise.all(entries.map(({ queue }) => queue.close()));
  }
}

function medians(rounds: readonly Round[]): Drained {
  const of = (key: keyof Round) => median(rounds.map((round) => round[key]));
  return { jobsPerSecond: of('jobsPerSecond'), cpuUsPerJob: of('cpuUsPerJob'), redisBusy: of('redisBusy'), rounds };
}

/**
 * One contestant over another: the median of the rounds' ratios. Those of one round ran next to each other, so a machine
 * that is faster in one minute than in another does not count for either.
 */
export function ratio(one: Drained, other: Drained, key: keyof Round): number {
  return median(one.rounds.map((round, index) => round[key] / (other.rounds[index]?.[key] ?? Number.NaN)));
}
