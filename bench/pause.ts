import { createRequire } from 'node:module';
import type * as bullmq from 'bullmq';
import { Contestant, type Kind } from './contestant.js';
import type { Ground } from './ground.js';

const KINDS: readonly Kind[] = ['official', 'process'];
const IDS = ['added', 'retried', 'recovered', 'waiting'];
const TIMEOUT_MS = 20_000;
const POLL_MS = 20;

/**
 * Which jobs each Python package loses when BullMQ 5 pauses a queue, Python adds, retries and recovers jobs meanwhile,
 * and BullMQ 5 resumes it: its pause and resume rename the list of waiting jobs, which scripts of BullMQ 6 know nothing of.
 *
 * @param folder where BullMQ 5 is
 * @param bundle its scripts
 * @returns ids by contestant
 */
export async function lostAroundPause(
  ground: Ground,
  folder: string,
  bundle: string,
): Promise<Record<string, readonly string[]>> {
  const bullmq5 = createRequire(import.meta.url)(folder) as typeof bullmq;
  const lost: Record<string, readonly string[]> = {};
  for (const kind of KINDS) lost[kind] = await lostBy(kind, ground, bullmq5, bundle);
  return lost;
}

async function lostBy(kind: Kind, ground: Ground, { Queue, Worker }: typeof bullmq, bundle: string) {
  const options = { connection: ground.redis };
  const queue = new Queue(`pause-${kind}`, options);
  const stateOf = async (id: string) => queue.getJobState(id);
  const python = { BULLMQ_BRIDGE_BUNDLE: bundle };
  try {
    // No stalled check: it would keep Python's from looking for as long as its own interval is.
    const failing = new Worker(queue.name, () => Promise.reject(new Error('not yet')), {
      ...options,
      connection: ground.redis.duplicate({ maxRetriesPerRequest: null }),
      skipStalledCheck: true,
    });
    await queue.add('echo', {}, { jobId: 'retried' });
    await until('a job to fail', async () => (await stateOf('retried')) === 'failed');
    await failing.close();

    await queue.add('echo', {}, { jobId: 'recovered' });
    const vanishing = new Worker(queue.name, null, options);
    await vanishing.waitUntilReady();
    await vanishing.getNextJob('vanished:0', { block: false });
    await vanishing.close();
    await ground.redis.del(`${queue.toKey('recovered')}:lock`);

    await queue.add('echo', {}, { jobId: 'waiting' });
    await queue.pause();
    const worker = new Contestant(kind, queue.name, 1, ground.redisUrl, ground.interpreters, python, 'pause');
    try {
      await worker.ready;
      await until('a job to be recovered', async () => (await stateOf('recovered')) !== 'active');
      await queue.resume();
      await until('the jobs to be worked off', async () => {
        const lists = ['wait', 'paused', 'active'].map((list) => ground.redis.llen(queue.toKey(list)));
        return (await Promise.all(lists)).every((count) => count === 0);
      });
    } finally {
      await worker.stop();
    }
    const states = await Promise.all(IDS.map(stateOf));
    return IDS.filter((_, place) => states[place] !== 'completed');
  } finally {
    await queue.obliterate({ force: true });
    await queue.close();
  }
}

async function until(what: string, reached: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + TIMEOUT_MS;
  while (!(await reached())) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
