import type { JobsOptions } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { useSystem } from '../support/system.js';
import { waitFor } from '../support/wait-for.js';
import {
  commandsLate,
  commandsLost,
  isAck,
  isDelay,
  isFetch,
  isScript,
  type Loss,
  repliesLost,
  repliesLostTwice,
  replyTorn,
  silence,
} from './losses.js';
import { addMany, completedCount, expectEachExactlyOnce, hashOf, settled } from './queue-state.js';
import { type ProxiedConnection, type Purpose, type RedisProxy, useProxies } from './redis-proxy.js';
import { type Stage, useStages } from './stage.js';

const system = useSystem();
const newStage = useStages();
const newProxy = useProxies(system.url);

/** Enough to fill more than one write: 3 kB a result, all finishing together. */
const IN_FLIGHT = 60;
const RESULT_BYTES = 3_000;
/** Times that the connection is lost in most tests. */
const LOSSES = 3;

/** Loses the command connection each time that an aimed command is on it, so many times. */
class Losing {
  isArmed = false;
  count = 0;
  readonly proxy: RedisProxy;

  private constructor(proxy: RedisProxy) {
    this.proxy = proxy;
  }

  static async start(
    loss: Loss,
    isAimed: (command: Buffer) => boolean,
    times = LOSSES,
    purposes: readonly (Purpose | undefined)[] = ['commands'],
  ): Promise<Losing> {
    const losing = new Losing(await newProxy());
    losing.proxy.onConnection = (connection) => {
      connection.passCommand = (command) => {
        const isOfThese = purposes.includes(connection.purpose);
        const isHit = losing.isArmed && losing.count < times && isOfThese && isAimed(command);
        if (!isHit) return true;
        losing.count += 1;
        loss(connection, command, losing.proxy);
        return false;
      };
    };
    return losing;
  }
}

/** Lets the next connection go silent after so many commands; those after it are as usual. */
function silenceNext(proxy: RedisProxy, answered: number): void {
  const usual = proxy.onConnection;
  proxy.onConnection = (connection) => {
    proxy.onConnection = usual;
    let passed = 0;
    connection.passCommand = () => {
      if (passed === answered) connection.goSilent();
      passed += 1;
      return passed <= answered;
    };
  };
}

async function running(stage: Stage, count: number): Promise<void> {
  await waitFor(`${count} running jobs`, () => stage.runs().length >= count, { state: () => stage.runs().length });
}

describe.concurrent('a worker', () => {
  it('whose command connection goes silent under its acks notices, and runs and completes each job once', async () => {
    const queue = system.queue();
    const stage = newStage();
    const losing = await Losing.start(silence, isAck, 1);
    const settings = { queue: queue.name, redis_url: losing.proxy.url, concurrency: IN_FLIGHT };
    const worker = await system.startWorker('faults_async_worker.py', settings, stage.env);
    const ids = await addMany(queue, 'hold', IN_FLIGHT * 2, { sign: 'finish', bytes: RESULT_BYTES });
    await running(stage, IN_FLIGHT);

    losing.isArmed = true;
    stage.putUp('finish');
    await completedCount(queue, ids.length);

    await worker.stop();
    await expectEachExactlyOnce(system.redis, queue, stage, ids);
  });

  it.each([
    ['accepted and never answered', 0],
    ['silent from its second command on', 1],
    ['silent while scripts are loaded', 12],
  ])('whose next command connection is %s gives it up, and runs and completes each job once', async (_, answered) => {
    const queue = system.queue();
    const stage = newStage();
    const losing = await Losing.start(commandsLost, isAck, 1);
    const settings = { queue: queue.name, redis_url: losing.proxy.url, concurrency: 2 };
    const worker = await system.startWorker('faults_async_worker.py', settings, stage.env);
    const ids = await addMany(queue, 'hold', 4, { sign: 'finish' });
    await running(stage, 2);
    silenceNext(losing.proxy, answered);

    losing.isArmed = true;
    stage.putUp('finish');
    await completedCount(queue, ids.length, 45_000);

    await worker.stop();
    await expectEachExactlyOnce(system.redis, queue, stage, ids);
  });

  it.each([
    ['cut', (marker: ProxiedConnection) => marker.cut()],
    ['silent', (marker: ProxiedConnection) => marker.goSilent()],
  ])('whose blocking connection is %s takes a job that is added later', async (_, harm) => {
    const queue = system.queue();
    const stage = newStage();
    const proxy = await newProxy();
    const settings = { queue: queue.name, redis_url: proxy.url, concurrency: 1, drain_delay_s: 2 };
    const worker = await system.startWorker('faults_async_worker.py', settings, stage.env);

    harm(await waitFor('a worker that waits for jobs', () => proxy.current('marker')));
    const ids = await addMany(queue, 'work', 3, {});

    await completedCount(queue, ids.length, 20_000);
    await worker.stop();
    await expectEachExactlyOnce(system.redis, queue, stage, ids);
  });

  it.each([
    ['accepted and never answered', 0],
    ['silent after its name is set', 3],
  ])('whose next blocking connection is %s takes a job that is added later', async (_, answered) => {
    const queue = system.queue();
    const stage = newStage();
    const proxy = await newProxy();
    const settings = { queue: queue.name, redis_url: proxy.url, concurrency: 1, drain_delay_s: 2 };
    const worker = await system.startWorker('faults_async_worker.py', settings, stage.env);
    const marker = await waitFor('a worker that waits for jobs', () => proxy.current('marker'));

    silenceNext(proxy, answered);
    const before = proxy.connections.length;
    marker.cut();
    const next = await waitFor('another connection', () => proxy.connections[before]);
    await waitFor('its silence', () => next.isSilent);
    const ids = await addMany(queue, 'work', 3, {});

    await completedCount(queue, ids.length, 30_000);
    await worker.stop();
    await expectEachExactlyOnce(system.redis, queue, stage, ids);
  });

  it.each<[string, Loss]>([
    ['with acks that do not reach Redis', commandsLost],
    ['with the replies to all acks', repliesLost(IN_FLIGHT)],
    ['with some acks before and some after they reach Redis', repliesLost(IN_FLIGHT / 2)],
    ['with one ack applied', repliesLost(1)],
    ['again while it finds out what became of acks', repliesLostTwice(IN_FLIGHT / 2)],
    ['in the middle of a reply', replyTorn],
    ['with acks that reach Redis later', commandsLate(IN_FLIGHT / 2)],
  ])('that loses its command connection %s runs and completes each job once', async (_, loss) => {
    const queue = system.queue();
    const stage = newStage();
    const losing = await Losing.start(loss, isAck);
    const settings = { queue: queue.name, redis_url: losing.proxy.url, concurrency: IN_FLIGHT };
    const worker = await system.startWorker('faults_async_worker.py', settings, stage.env);
    const ids = await addMany(queue, 'hold', IN_FLIGHT * 4, { sign: 'finish', bytes: RESULT_BYTES });
    await running(stage, IN_FLIGHT);

    losing.isArmed = true;
    stage.putUp('finish');
    await completedCount(queue, ids.length);

    await worker.stop();
    expect(losing.count).toBe(LOSSES);
    await expectEachExactlyOnce(system.redis, queue, stage, ids);
  });

  it.each<[string, Loss]>([
    ['that do not reach Redis', commandsLost],
    ['of which some replies are lost', repliesLost(IN_FLIGHT)],
    ['that reach Redis later', commandsLate(IN_FLIGHT)],
  ])(
    'of two queues that loses its command connection with acks %s runs and completes each job once',
    async (_, loss) => {
      const queues = [system.queue(), system.queue()] as const;
      const stage = newStage();
      const losing = await Losing.start(loss, isAck);
      const worker = await system.startWorker(
        'faults_two_queues.py',
        { queue: queues[0].name, redis_url: losing.proxy.url, concurrency: IN_FLIGHT },
        { ...stage.env, SECOND_QUEUE: queues[1].name },
      );
      const added = queues.map((queue, index) =>
        queue.addBulk(
          Array.from({ length: IN_FLIGHT * 4 }, (_, job) => ({
            name: 'hold',
            data: { sign: 'finish', bytes: RESULT_BYTES },
            opts: { jobId: `${index}-${job}` },
          })),
        ),
      );
      await Promise.all(added);
      await running(stage, IN_FLIGHT * 2);

      losing.isArmed = true;
      stage.putUp('finish');
      for (const queue of queues) await completedCount(queue, IN_FLIGHT * 4);

      await worker.stop();
      expect(losing.count).toBe(LOSSES);
      for (const [index, queue] of queues.entries()) {
        const ids = (await added[index])?.map(({ id }) => id as string) ?? [];
        const itsRuns = { runs: () => stage.runs().filter(({ id }) => ids.includes(id)) };
        await expectEachExactlyOnce(system.redis, queue, itsRuns, ids);
      }
    },
  );

  it.each<[string, Loss]>([
    ['that do not reach Redis', commandsLost],
    ['whose replies are lost', repliesLost(1)],
    ['that reach Redis later', commandsLate(1)],
  ])('that loses its command connection with fetches %s runs and completes each job once', async (_, loss) => {
    const queue = system.queue();
    const stage = newStage();
    const losing = await Losing.start(loss, isFetch);
    const settings = { queue: queue.name, redis_url: losing.proxy.url, concurrency: 20 };
    const worker = await system.startWorker('faults_async_worker.py', settings, stage.env);

    losing.isArmed = true;
    const ids = await addMany(queue, 'work', 40, { ms: 5 });
    await completedCount(queue, ids.length);

    await worker.stop();
    expect(losing.count).toBe(LOSSES);
    await expectEachExactlyOnce(system.redis, queue, stage, ids);
  });

  it.each<['process' | 'thread', string, Loss]>([
    ['process', 'that do not reach Redis', commandsLost],
    ['process', 'whose replies are lost', repliesLost(1)],
    ['process', 'that reach Redis later', commandsLate(1)],
    ['thread', 'whose replies are lost', repliesLost(1)],
  ])('of %s slots that loses its command connection with acks %s runs each job once', async (pool, _, loss) => {
    const queue = system.queue();
    const stage = newStage();
    const losing = await Losing.start(loss, isAck, LOSSES, ['commands', 'line']);
    const settings = { queue: queue.name, redis_url: losing.proxy.url, concurrency: 2, pool };
    const worker = await system.startWorker('faults_worker.py', settings, stage.env);

    losing.isArmed = true;
    const ids = await addMany(queue, 'work', 20, { ms: 5, bytes: RESULT_BYTES });
    await completedCount(queue, ids.length);

    await worker.stop();
    expect(losing.count).toBe(LOSSES);
    await expectEachExactlyOnce(system.redis, queue, stage, ids);
  });

  it.each<[string, Loss]>([
    ['that do not reach Redis', commandsLost],
    ['whose replies are lost', repliesLost(1)],
    ['whose reply is torn', replyTorn],
  ])("of process slots that lose their children's own lines with acks %s runs each job once", async (_, loss) => {
    const queue = system.queue();
    const stage = newStage();
    const losing = await Losing.start(loss, isAck, LOSSES, ['line']);
    const settings = { queue: queue.name, redis_url: losing.proxy.url, concurrency: 2 };
    const worker = await system.startWorker('faults_worker.py', settings, stage.env);
    // Some time after the first jobs each child has a line; from then on it is lost again and again.
    losing.isArmed = true;
    const ids: string[] = [];
    await waitFor('lines to be lost', async () => {
      ids.push(...(await addMany(queue, 'work', 50, { bytes: RESULT_BYTES })));
      await completedCount(queue, ids.length);
      return losing.count === LOSSES;
    });

    await worker.stop();
    expect(worker.log).toMatch(/has lost its line to Redis/);
    await expectEachExactlyOnce(system.redis, queue, stage, ids);
  });

  it("of process slots whose child's own line goes silent under an ack runs each job once", async () => {
    const queue = system.queue();
    const stage = newStage();
    const losing = await Losing.start(silence, isAck, 1, ['line']);
    const settings = { queue: queue.name, redis_url: losing.proxy.url, concurrency: 2 };
    const worker = await system.startWorker('faults_worker.py', settings, stage.env);
    losing.isArmed = true;
    const ids: string[] = [];
    await waitFor('a line to go silent', async () => {
      ids.push(...(await addMany(queue, 'work', 20, {})));
      return losing.count === 1;
    });
    await completedCount(queue, ids.length);

    await worker.stop();
    await expectEachExactlyOnce(system.redis, queue, stage, ids);
  });

  it.each<[string, Loss]>([
    ['that do not reach Redis', commandsLost],
    ['whose replies are lost', repliesLost(1)],
  ])(
    "of process slots that loses its command connection with stalled checks %s leaves jobs alone that come over children's own lines",
    async (_, loss) => {
      const queue = system.queue();
      const stage = newStage();
      const losing = await Losing.start(loss, isScript);
      const settings = { queue: queue.name, redis_url: losing.proxy.url, concurrency: 2, stalled_interval_ms: 200 };
      const worker = await system.startWorker('faults_worker.py', settings, stage.env);
      const ids: string[] = [];
      const addMore = async () => ids.push(...(await addMany(queue, 'work', 100, { ms: 8 })));
      await addMore();
      await waitFor('lines', () => losing.proxy.current('line'));
      losing.isArmed = true;
      await waitFor('the command connection to be lost', async () => {
        if ((await queue.getWaitingCount()) < 30) await addMore();
        return losing.count === LOSSES;
      });
      await completedCount(queue, ids.length);

      await worker.stop();
      expect(worker.log).not.toMatch(/is not ours any more/);
      await expectEachExactlyOnce(system.redis, queue, stage, ids);
    },
  );

  it.each<[string, Loss, JobsOptions]>([
    ['not put back yet', commandsLost, { attempts: 2 }],
    ['put back already', repliesLost(1), { attempts: 2 }],
    ['put back later', commandsLate(1), { attempts: 2 }],
    ['not delayed yet', commandsLost, { attempts: 2, backoff: 5 }],
    ['delayed already', repliesLost(1), { attempts: 2, backoff: 5 }],
    ['delayed later', commandsLate(1), { attempts: 2, backoff: 5 }],
  ])('that loses its command connection with failed jobs %s charges one attempt', async (_, loss, opts) => {
    const queue = system.queue();
    const stage = newStage();
    const losing = await Losing.start(loss, (command) => isAck(command) && command.includes('not yet'));
    const settings = { queue: queue.name, redis_url: losing.proxy.url, concurrency: 10 };
    const worker = await system.startWorker('faults_async_worker.py', settings, stage.env);

    losing.isArmed = true;
    const ids = await addMany(queue, 'flaky', 30, {}, opts);
    await completedCount(queue, ids.length);

    await worker.stop();
    expect(losing.count).toBe(LOSSES);
    const runs = stage.runs().map(({ id, remark }) => `${id} ${remark}`);
    expect(runs.sort()).toEqual(ids.flatMap((id) => [`${id} 0`, `${id} 1`]).sort());
    for (const id of ids) {
      expect(await hashOf(system.redis, queue, id)).toMatchObject({ atm: '2', ats: '2' });
    }
  });

  it.each<[string, Loss, number]>([
    ['not put back yet', commandsLost, 30],
    ['put back already', repliesLost(1), 30],
    ['put back later', commandsLate(1), 30],
    // The call that puts back the only job there is fetches it again, under the same token.
    ['put back already, and fetched again by the same call', repliesLost(1), 1],
  ])(
    'that loses its command connection with jobs that snooze for no time, %s, runs them again once',
    async (...row) => {
      const [, loss, count] = row;
      const queue = system.queue();
      const stage = newStage();
      const losing = await Losing.start(loss, isDelay, Math.min(count, LOSSES));
      const settings = { queue: queue.name, redis_url: losing.proxy.url, concurrency: 10 };
      const worker = await system.startWorker('faults_async_worker.py', settings, stage.env);

      losing.isArmed = true;
      const ids = await addMany(queue, 'snooze', count, {});
      await completedCount(queue, ids.length);

      await worker.stop();
      expect(losing.count).toBe(Math.min(count, LOSSES));
      const runs = stage.runs().map(({ id, remark }) => `${id} ${remark}`);
      expect(runs.sort()).toEqual(ids.flatMap((id) => [`${id} 1`, `${id} 2`]).sort());
      for (const id of ids) {
        expect(await hashOf(system.redis, queue, id)).toMatchObject({ atm: '1', ats: '2' });
      }
    },
  );

  it.each<[string, Loss]>([
    ['that do not reach Redis', commandsLost],
    ['whose replies are lost', repliesLost(4)],
  ])('that loses its command connection with log lines %s keeps every line, in order', async (_, loss) => {
    const queue = system.queue();
    const stage = newStage();
    const losing = await Losing.start(loss, (command) => isScript(command) && command.includes('step '));
    const settings = { queue: queue.name, redis_url: losing.proxy.url, concurrency: 1 };
    const worker = await system.startWorker('faults_async_worker.py', settings, stage.env);

    losing.isArmed = true;
    const steps = Array.from({ length: 50 }, (_, step) => `step ${step}`);
    const [id = ''] = await addMany(queue, 'talk', 1, { steps: steps.length });
    const job = await settled(queue, id);

    await worker.stop();
    expect(losing.count).toBe(LOSSES);
    expect(job.progress).toBe(steps.length - 1);
    // A line may come twice: nothing tells whether the first one was applied.
    expect([...new Set((await queue.getJobLogs(id)).logs)]).toEqual(steps);
    await expectEachExactlyOnce(system.redis, queue, stage, [id]);
  });
});
