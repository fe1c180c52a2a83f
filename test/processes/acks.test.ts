import { randomUUID } from 'node:crypto';
import { Queue } from 'bullmq';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectEachExactlyOnce } from '../faults/queue-state.js';
import { useStages } from '../faults/stage.js';
import { useSystem } from '../support/system.js';
import { waitFor } from '../support/wait-for.js';
import { PrivateRedis, SERVER_PROGRAM } from './redis-server.js';

const system = useSystem();
const newStage = useStages();

/** Harms a server, and gives back what heals it. */
type Harm = (server: PrivateRedis) => Promise<() => Promise<unknown>>;

const outOfMemory: Harm = async ({ redis }) => {
  await redis.config('SET', 'maxmemory', '1');
  return () => redis.config('SET', 'maxmemory', '0');
};

const tooFewReplicas: Harm = async ({ redis }) => {
  await redis.config('SET', 'min-replicas-to-write', '1');
  return () => redis.config('SET', 'min-replicas-to-write', '0');
};

const replica: Harm = async ({ redis }) => {
  // Of a master that is not there: it keeps its data and takes no writes.
  await redis.config('SET', 'replica-read-only', 'yes');
  await redis.replicaof('127.0.0.1', 1);
  return () => redis.replicaof('NO', 'ONE');
};

const scriptsForgotten: Harm = async ({ redis }) => {
  await redis.script('FLUSH');
  return async () => undefined;
};

const busy: Harm = async (server) => {
  const blocking = server.redis.duplicate();
  const looping = blocking.eval('while true do end', 0).catch(() => undefined);
  await waitFor('a busy server', async () => /BUSY/.test(await server.redis.ping().catch(String)));
  return async () => {
    await server.redis.script('KILL');
    await looping;
    blocking.disconnect();
  };
};

describe.skipIf(SERVER_PROGRAM === undefined)('an ack that Redis does not run', () => {
  let server: PrivateRedis;

  beforeAll(async () => {
    server = await PrivateRedis.start(['--busy-reply-threshold', '50']);
  });
  afterAll(async () => {
    await server.stop();
  });

  it.each<[string, Harm]>([
    // Redis lets a script go on that begins by deleting (a lock); the call that fetches is the one that is refused.
    ['OOM', outOfMemory],
    ['NOREPLICAS', tooFewReplicas],
    ['READONLY', replica],
    ['NOSCRIPT', scriptsForgotten],
    ['BUSY', busy],
  ])('(%s) is sent again until it is; no job runs twice', async (answer, harm) => {
    const stage = newStage();
    const queue = new Queue(`queue-${randomUUID()}`, { connection: server.redis, prefix: system.prefix });
    const settings = { queue: queue.name, redis_url: server.url, concurrency: 2 };
    const worker = await system.startWorker('processes_threads.py', settings, stage.env);
    const names = ['hold', 'hold-async', 'work', 'work'];
    const jobs = await queue.addBulk(names.map((name) => ({ name, data: { sign: 'go' } })));
    await waitFor('two running jobs', () => stage.runs().length === 2);

    const heal = await harm(server);
    stage.putUp('go');
    try {
      await worker.waitForLog(new RegExp(`Redis did not run a command \\(${answer} .*\\): it is sent again`));
    } finally {
      await heal();
    }

    await waitFor('completion', async () => (await queue.getCompletedCount()) === jobs.length);
    await worker.stop();
    const ids = jobs.map(({ id }) => id as string);
    await expectEachExactlyOnce(server.redis, queue, stage, ids);
    await queue.close();
  });

  it('nor any hand-back at the end, is no reason to wait for ever: the worker ends with code 5', async () => {
    const lost = await PrivateRedis.start();
    const stage = newStage();
    const queue = new Queue(`queue-${randomUUID()}`, { connection: lost.redis, prefix: system.prefix });
    const settings = { queue: queue.name, redis_url: lost.url, concurrency: 1, shutdown_timeout_s: 0.2 };
    const worker = await system.startWorker('processes_threads.py', settings, stage.env);
    await queue.add('hold', { sign: 'never' });
    await waitFor('the job', () => stage.runs().length === 1);
    await lost.stop();
    worker.signal('SIGTERM');
    expect(await worker.ended()).toBe(5);
    expect(worker.log).toMatch(/Redis did not take back jobs 1: another worker's stalled check will/);
  });
});
