import { beforeAll, describe, expect, test } from 'vitest';
import { useSystem } from '../support/system.js';

const system = useSystem();

describe('a payload', () => {
  const queue = system.queue();
  beforeAll(async () => {
    await system.startWorker('processors.py', { queue: queue.name });
  });

  test('comes back as it went', async () => {
    const events = await system.events(queue.name);
    const job = await queue.add('echo', { text: 'ü😀' });
    expect(await job.waitUntilFinished(events, 10_000)).toEqual({ text: 'ü😀' });
  });
});
