import type { Queue } from 'bullmq';
import { expect } from 'vitest';
import { hashOf } from '../faults/queue-state.js';
import type { System } from '../support/system.js';

/** That no job of a queue is active or locked. */
export async function expectNothingHeld(system: System, queue: Queue): Promise<void> {
  expect(await queue.getActiveCount(), 'active jobs').toBe(0);
  const locks = (await system.keys(queue.name)).filter((key) => key.endsWith(':lock'));
  expect(locks, 'locks').toEqual([]);
}

/**
 * That these jobs wait again, charged with nothing but starts.
 *
 * @param starts - of each: 1 for a job that ran, or was fetched and never ran.
 */
export async function expectHandedBack(
  system: System,
  queue: Queue,
  ids: readonly string[],
  starts = 1,
): Promise<void> {
  await expectNothingHeld(system, queue);
  for (const id of ids) {
    expect(['waiting', 'prioritized'], `state of job ${id}`).toContain(await queue.getJobState(id));
    const { atm, stc, ats, failedReason } = await hashOf(system.redis, queue, id);
    expect({ atm, stc, ats, failedReason }).toEqual({
      atm: undefined,
      stc: undefined,
      ats: String(starts),
      failedReason: undefined,
    });
  }
}
