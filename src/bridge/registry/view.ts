import { type Mismatch, mismatches } from './mismatch.js';
import type { Registry } from './registry.js';

/** What the live producers and workers of a queue say of themselves. Who does not announce itself is not in it. */
export interface RegistryView {
  /** How many producers live. */
  readonly producers: number;
  /** How many workers live; with none, the contract waits for one. */
  readonly workers: number;
  /** Jobs that no live worker, or not every one, has a processor for; the worker without it fails them for good. */
  readonly withoutProcessor: readonly string[];
  /** Producers and workers that are not made for each other. */
  readonly mismatches: readonly Mismatch[];
}

/**
 * Looks at everybody.
 *
 * @param jobs - the names of the contract's jobs; those of live producers are added.
 */
export async function viewRegistry(registry: Registry, queue: string, jobs: readonly string[]): Promise<RegistryView> {
  const [producers, workers] = await Promise.all([registry.live('producer'), registry.live('worker')]);
  const names = new Set([...jobs, ...producers.flatMap((producer) => Object.keys(producer.jobs))]);
  const isRun = (name: string) =>
    workers.length > 0 && workers.every((worker) => worker.jobs[name]?.processor === true);
  return {
    producers: producers.length,
    workers: workers.length,
    withoutProcessor: [...names].filter((name) => !isRun(name)).sort(),
    mismatches: producers.flatMap((producer) => workers.flatMap((worker) => mismatches(queue, producer, worker))),
  };
}
