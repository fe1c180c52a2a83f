import { describe, expect, test } from 'vitest';
import { isSince } from '../support/bundle.js';
import { type Stage, useTwins } from './twins.js';

const deduplication = { id: 'same', keepLastIfActive: true };
const twins = useTwins();

/** Starts a job, and adds two of the same deduplication id while it runs. */
async function addWhileActive(stage: Stage, name: string, opts = {}): Promise<void> {
  const { queue, gate } = stage;
  await queue.add(name, { gate }, { jobId: 'first', deduplication, ...opts });
  await stage.startWorker();
  await stage.jobIn('active', 'first');
  await queue.add('echo', 'dropped', { deduplication });
  await queue.add('echo', 'last', { deduplication, priority: 3 });
  expect(await stage.system.redis.exists(queue.toKey('dn:same'))).toBe(1);
}

/** What the queue remembers of the id. */
async function remembered({ system, queue }: Stage): Promise<unknown> {
  const completed = (await queue.getCompleted()).map(({ data }) => data);
  return {
    last: completed.includes('last'),
    dropped: completed.includes('dropped'),
    owner: await queue.getDeduplicationJobId('same'),
    kept: await system.redis.exists(queue.toKey('dn:same')),
  };
}

const FOLLOWED = { last: true, dropped: false, owner: null, kept: 0 };

describe.skipIf(!isSince('5.72.0'))(
  'of the jobs that were added while another of the same id ran, the last one follows it',
  () => {
    test.each([
      ['has completed', 'hold', {}, 1],
      ['has completed and is removed', 'hold', { removeOnComplete: true }, 1],
      ['has failed', 'hold-and-fail', {}, 1],
      ['has used its last attempt, not between two of them', 'hold-and-fail', { attempts: 2, backoff: 20 }, 2],
    ])('when that %s', async (_, name, opts, runs) => {
      const { seen } = await twins.expectSame(async (stage) => {
        await addWhileActive(stage, name, opts);
        await stage.openGate(runs);
        await stage.atRest();
        return remembered(stage);
      });
      expect(seen).toEqual(FOLLOWED);
    });

    test('again, when others were added while it ran itself', async () => {
      await twins.expectSame(async (stage) => {
        const { queue, gate } = stage;
        await addWhileActive(stage, 'hold');
        await queue.add('hold', { gate }, { deduplication });
        await stage.openGate();
        await stage.jobIn('completed', 'first');
        await stage.countOf('active', 1);
        await queue.add('echo', 'the very last', { deduplication });
        await stage.openGate();
        await stage.atRest();
        return remembered(stage);
      });
    });
  },
);
