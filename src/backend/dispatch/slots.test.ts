import { describe, expect, it } from 'vitest';
import { deferred } from '../testing/deferred.js';
import { Slots } from './slots.js';

describe('Slots', () => {
  it('runs as many tasks as it has slots, the others in order as slots become free', async () => {
    const slots = new Slots(2);
    const started: number[] = [];
    const tasks = [0, 1, 2, 3].map(() => deferred());
    const runs = tasks.map((task, number) =>
      slots.run(async () => {
        started.push(number);
        await task.promise;
      }),
    );
    await Promise.resolve();
    expect(started).toEqual([0, 1]);
    tasks[1]?.resolve();
    await runs[1];
    expect(started).toEqual([0, 1, 2]);
    for (const task of tasks) task.resolve();
    await Promise.all(runs);
    expect(started).toEqual([0, 1, 2, 3]);
  });

  it('frees the slot of a task that throws', async () => {
    const slots = new Slots(1);
    await expect(slots.run(async () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await slots.run(async () => 'next')).toBe('next');
  });

  it('does not run a task that was cancelled while it waited', async () => {
    const slots = new Slots(1);
    const first = deferred();
    const running = slots.run(() => first.promise);
    const cancel = new AbortController();
    let ran = false;
    const cancelled = slots.run(async () => {
      ran = true;
    }, cancel.signal);
    cancel.abort();
    first.resolve();
    await running;
    await expect(cancelled).rejects.toThrow(/abort/i);
    expect(ran).toBe(false);
    expect(await slots.run(async () => 'next')).toBe('next');
  });
});
