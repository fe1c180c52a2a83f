import type { JobsOptions, Queue } from 'bullmq';
import { describe, expect, it, type TestContext } from 'vitest';
import { System } from '../support/system.js';
import { waitFor } from '../support/wait-for.js';
import { PrivateRedis, REDIS_SERVER } from './private-redis.js';
import { completedCount, eventsOf, expectEachExactlyOnce, hashOf } from './queue-state.js';
import { Stage } from './stage.js';

/** A test with a server, a system on it and a stage of its own. */
class Scene {
  readonly redis: PrivateRedis;
  readonly system: System;
  readonly stage = new Stage();
  readonly queue: Queue;

  private constructor(redis: PrivateRedis) {
    this.redis = redis;
    this.system = new System(redis.url);
    this.system.redis.on('error', () => {}); // the server goes away on purpose
    this.queue = this.system.queue();
    this.queue.on('error', () => {});
  }

  static async set(onFinished: TestContext['onTestFinished']): Promise<Scene> {
    const scene = new Scene(await PrivateRedis.prepare());
    onFinished(async () => {
      scene.redis.resume();
      if (!scene.redis.isRunning) await scene.redis.start();
      await scene.system.end();
      await scene.redis.end();
      scene.stage.remove();
    });
    return scene;
  }

  async addWork(count: number, opts: JobsOptions = {}): Promise<string[]> {
    const jobs = await this.queue.addBulk(
      Array.from({ length: count }, () => ({ name: 'work', data: { ms: 20 }, opts })),
    );
    return jobs.map(({ id }) => id as string);
  }

  async expectEachExactlyOnce(ids: readonly string[]): Promise<void> {
    await expectEachExactlyOnce(this.system.redis, this.queue, this.stage, ids);
  }
}

/** Exit codes of a worker, as its documentation lists them. */
const OK = 0;
const NOT_HANDED_BACK = 5;

const FIXTURES = [
  ['faults_worker.py', 2, 60],
  ['faults_async_worker.py', 20, 400],
] as const;

describe.skipIf(!REDIS_SERVER).concurrent('a worker whose Redis', () => {
  it.for(FIXTURES)(
    'stops for longer than an answer may take loses nothing and goes on (%s)',
    async ([fixture, slots, count], { onTestFinished }) => {
      const scene = await Scene.set(onTestFinished);
      await scene.redis.start();
      const ids = await scene.addWork(count);
      const settings = { queue: scene.queue.name, concurrency: slots };
      const worker = await scene.system.startWorker(fixture, settings, scene.stage.env);
      await completedCount(scene.queue, count / 4);

      scene.redis.suspend();
      await worker.waitForLog(/did not answer for .* the connection is taken as lost/);
      scene.redis.resume();

      await completedCount(scene.queue, count);
      await worker.stop();
      await scene.expectEachExactlyOnce(ids);
    },
  );

  it.for(FIXTURES)(
    'stops for longer than a lock lasts: its jobs are run again, charged as stalled, none is lost (%s)',
    async ([fixture], { onTestFinished }) => {
      const scene = await Scene.set(onTestFinished);
      await scene.redis.start();
      const { queue, system, stage } = scene;
      const settings = { queue: queue.name, concurrency: 2, lock_duration_ms: 1_000, stalled_interval_ms: 300 };
      const worker = await system.startWorker(fixture, settings, stage.env);
      const jobs = await queue.addBulk(Array.from({ length: 4 }, () => ({ name: 'hold', data: { sign: 'finish' } })));
      await waitFor('two running jobs', () => stage.runs().length === 2);

      scene.redis.suspend();
      await worker.waitForLog(/did not answer for .* the connection is taken as lost/);
      scene.redis.resume();
      await waitFor('their second runs', () => stage.runs().length >= 4, { state: () => stage.runs() });
      stage.putUp('finish');

      await completedCount(queue, jobs.length);
      await worker.stop();
      const interrupted = stage
        .runs()
        .slice(0, 2)
        .map(({ id }) => id);
      for (const { id = '' } of jobs) {
        const isInterrupted = interrupted.includes(id);
        expect(stage.runs(id)).toHaveLength(isInterrupted ? 2 : 1);
        const { stc, atm } = await hashOf(system.redis, queue, id);
        expect({ stc, atm }).toEqual({ stc: isInterrupted ? '1' : undefined, atm: '1' });
      }
      expect(await eventsOf(system.redis, queue, 'completed')).toHaveLength(jobs.length);
    },
  );

  it.for(FIXTURES)(
    'is killed and started again loses nothing and goes on (%s)',
    async ([fixture, slots, count], { onTestFinished }) => {
      const scene = await Scene.set(onTestFinished);
      await scene.redis.start();
      const ids = await scene.addWork(count);
      const settings = { queue: scene.queue.name, concurrency: slots };
      const worker = await scene.system.startWorker(fixture, settings, scene.stage.env);

      for (const part of [1, 2]) {
        await completedCount(scene.queue, (count * part) / 4);
        const told = worker.log.length;
        await scene.redis.kill();
        await waitFor('a word of the worker', () =>
          worker.log.slice(told).match(/no connection to Redis at .* trying again/),
        );
        await scene.redis.start();
      }

      await completedCount(scene.queue, count);
      await worker.stop();
      await scene.expectEachExactlyOnce(ids);
    },
  );

  it('is not there at the start says so, keeps trying, and works when it comes', async ({ onTestFinished }) => {
    const scene = await Scene.set(onTestFinished);
    const settings = { queue: scene.queue.name, concurrency: 1 };
    const worker = scene.system.launchWorker('faults_worker.py', settings, scene.stage.env);
    await worker.waitForLog(/no connection to Redis at redis:\/\/127\.0\.0\.1:\d+ .*trying again in 0\.4 s/);

    await scene.redis.start();
    const ids = await scene.addWork(3);

    await completedCount(scene.queue, 3);
    await worker.stop();
    await scene.expectEachExactlyOnce(ids);
  });

  it.for(FIXTURES)(
    'forgets its scripts again and again goes on (%s)',
    async ([fixture, slots, count], { onTestFinished }) => {
      const scene = await Scene.set(onTestFinished);
      await scene.redis.start();
      const ids = await scene.addWork(count);
      const settings = { queue: scene.queue.name, concurrency: slots };
      const worker = await scene.system.startWorker(fixture, settings, scene.stage.env);

      for (let done = 0; done < count; done += count / 5) {
        await completedCount(scene.queue, done);
        await scene.system.redis.script('FLUSH');
      }

      await completedCount(scene.queue, count);
      await worker.stop();
      await scene.expectEachExactlyOnce(ids);
    },
  );

  it('forgets its scripts while a long job runs keeps the lock of that job', async ({ onTestFinished }) => {
    const scene = await Scene.set(onTestFinished);
    await scene.redis.start();
    const { queue, system } = scene;
    const settings = { queue: queue.name, concurrency: 1, lock_duration_ms: 1_000, stalled_interval_ms: 300 };
    const workers = [0, 1].map(() => system.startWorker('faults_worker.py', settings, scene.stage.env));
    await Promise.all(workers);
    const { id = '' } = await queue.add('hold', { sign: 'finish' });
    await waitFor('the job', () => scene.stage.runs(id).length > 0);

    const lock = queue.toKey(`${id}:lock`);
    for (let renewals = 0; renewals < 5; renewals += 1) {
      await system.redis.script('FLUSH');
      let left = await system.redis.pttl(lock);
      await waitFor('another renewal of the lock', async () => {
        const before = left;
        left = await system.redis.pttl(lock);
        if (left < 0) throw new Error('the lock was not renewed');
        return left > before;
      });
    }
    scene.stage.putUp('finish');

    await completedCount(queue, 1);
    for (const worker of await Promise.all(workers)) await worker.stop();
    await scene.expectEachExactlyOnce([id]);
  });

  it('forgets its scripts lets an idle worker find stalled jobs all the same', async ({ onTestFinished }) => {
    const scene = await Scene.set(onTestFinished);
    await scene.redis.start();
    const { queue, system, stage } = scene;
    const settings = { queue: queue.name, concurrency: 1, lock_duration_ms: 1_000, stalled_interval_ms: 300 };
    const first = await system.startWorker('faults_worker.py', settings, stage.env);
    const { id = '' } = await queue.add('hold', { sign: 'finish' });
    await waitFor('the job', () => stage.runs(id).length === 1);
    const other = await system.startWorker('faults_worker.py', { ...settings, drain_delay_s: 60 }, stage.env);
    await waitFor('two workers', async () => (await queue.getWorkersCount()) === 2);

    first.signal('SIGKILL');
    await system.redis.script('FLUSH');
    stage.putUp('finish');

    await completedCount(queue, 1, 10_000);
    expect(stage.runs(id)).toHaveLength(2);
    await other.stop();
  });

  it('is out of memory for a while waits and goes on', async ({ onTestFinished }) => {
    const scene = await Scene.set(onTestFinished);
    await scene.redis.start();
    const ids = await scene.addWork(100);
    await scene.system.redis.config('SET', 'maxmemory', '1');
    const settings = { queue: scene.queue.name, concurrency: 5 };
    const worker = scene.system.launchWorker('faults_async_worker.py', settings, scene.stage.env);
    await worker.waitForLog(/did not run a command \(OOM/);
    expect(await scene.queue.getCompletedCount()).toBe(0);

    await scene.system.redis.config('SET', 'maxmemory', '0');

    await completedCount(scene.queue, ids.length);
    await worker.stop();
    await scene.expectEachExactlyOnce(ids);
  });

  it('goes away for good lets a worker that is told to stop end, and say what is left', async ({ onTestFinished }) => {
    const scene = await Scene.set(onTestFinished);
    await scene.redis.start();
    const { queue, system, stage } = scene;
    const settings = { queue: queue.name, concurrency: 2, shutdown_timeout_s: 0.5 };
    const worker = await system.startWorker('faults_worker.py', settings, stage.env);
    const ended = await queue.add('hold', { sign: 'finish' });
    const endless = await queue.add('stuck', {});
    await waitFor('two running jobs', () => stage.runs().length === 2);

    await scene.redis.kill();
    stage.putUp('finish');
    await worker.waitForLog(/no connection to Redis/);
    worker.signal('SIGTERM');

    expect(await worker.ended()).toBe(NOT_HANDED_BACK);
    expect(worker.log).toMatch(new RegExp(`Redis did not take back .*${ended.id}, ${endless.id}`));
  });

  it('never comes lets a worker that is told to stop end at once', async ({ onTestFinished }) => {
    const scene = await Scene.set(onTestFinished);
    const settings = { queue: scene.queue.name, concurrency: 2, shutdown_timeout_s: 60 };
    const worker = scene.system.launchWorker('faults_worker.py', settings, scene.stage.env);
    await worker.waitForLog(/no connection to Redis/);

    worker.signal('SIGTERM');

    expect(await worker.ended()).toBe(OK);
  });
});
