import type { Queue } from 'bullmq';
import { afterAll, describe, expect, it } from 'vitest';
import { useSystem } from '../support/system.js';
import { waitFor } from '../support/wait-for.js';
import { completedCount, expectEachExactlyOnce } from './queue-state.js';
import { type ProxiedConnection, RedisProxy } from './redis-proxy.js';
import { type Stage, useStages } from './stage.js';

const system = useSystem();
const newStage = useStages();
const proxies: RedisProxy[] = [];

afterAll(() => {
  for (const proxy of proxies) proxy.close();
});

/** Enough to fill more than one write: 3 kB a result, all finishing together. */
const IN_FLIGHT = 60;
const RESULT_BYTES = 3_000;
/** Times that the connection is lost in each test. */
const LOSSES = 3;

/** What happens to a connection when the first command comes that is aimed at. Returns whether that one is forwarded. */
type Loss = (connection: ProxiedConnection, proxy: RedisProxy) => boolean;

/** Neither this command nor a later one reaches Redis. */
const commandsLost: Loss = (connection) => {
  connection.cut();
  return false;
};

/** So many commands reach Redis; no reply comes back. */
function repliesLost(commands: number): Loss {
  return (connection) => {
    let forwarded = 1;
    connection.passReplies = () => undefined;
    connection.passCommand = (command) => {
      if (!isScript(command) || forwarded === commands) return false;
      connection.sendToRedis(command);
      forwarded += 1;
      if (forwarded === commands) void connection.drain().then(() => connection.cut());
      return false;
    };
    if (commands === 1) setImmediate(() => void connection.drain().then(() => connection.cut()));
    return true;
  };
}

/** The replies stop in the middle of one. */
const replyTorn: Loss = (connection) => {
  connection.passReplies = (replies) => {
    setImmediate(() => connection.cut());
    connection.passReplies = () => undefined;
    return replies.subarray(0, Math.ceil(replies.length / 2));
  };
  return true;
};

/** The commands reach Redis later: when the worker has looked, over its next connection, what became of them. */
const commandsLate: Loss = (connection, proxy) => {
  const late: Buffer[] = [];
  connection.passCommand = (command) => {
    late.push(command);
    return false;
  };
  setImmediate(() => connection.cutWorker());
  const before = proxy.onConnection;
  proxy.onConnection = (next) => {
    proxy.onConnection = before;
    const held: Buffer[] = [];
    next.passCommand = (command) => {
      if (held.length === 0 && !isScript(command)) return true;
      held.push(command);
      if (held.length > 1) return false;
      for (const each of late) connection.sendToRedis(each);
      void connection.drain().then(() => {
        connection.cut();
        next.passCommand = () => true;
        for (const each of held) next.sendToRedis(each);
        before?.(next);
      });
      return false;
    };
  };
  return connection.passCommand === undefined;
};

function isScript(command: Buffer): boolean {
  return command.includes('EVALSHA');
}

/** A command that ends a job: it carries a result or a reason. */
function isAck(command: Buffer): boolean {
  return isScript(command) && (command.includes('returnvalue') || command.includes('failedReason'));
}

/** A proxy that loses the command connection each time that an aimed command is on it, so many times. */
async function losingProxy(
  loss: Loss,
  isAimed: (command: Buffer) => boolean,
  isArmed: () => boolean,
): Promise<{
  proxy: RedisProxy;
  losses: () => number;
}> {
  const proxy = await RedisProxy.start(system.url);
  proxies.push(proxy);
  let losses = 0;
  proxy.onConnection = (connection) => {
    connection.passCommand = (command) => {
      if (losses === LOSSES || !isArmed() || connection.purpose !== 'commands' || !isAimed(command)) return true;
      losses += 1;
      connection.passCommand = () => true;
      return loss(connection, proxy);
    };
  };
  return { proxy, losses: () => losses };
}

async function addMany(queue: Queue, name: string, count: number, data: object, opts = {}): Promise<string[]> {
  const jobs = await queue.addBulk(Array.from({ length: count }, () => ({ name, data, opts })));
  return jobs.map(({ id }) => id as string);
}

async function allRunning(stage: Stage, count: number): Promise<void> {
  await waitFor(`${count} running jobs`, () => stage.runs().length >= count, { state: () => stage.runs().length });
}

describe.concurrent('a worker that loses its command connection', () => {
  it.each<[string, Loss]>([
    ['with acks that do not reach Redis', commandsLost],
    ['with the replies to all acks', repliesLost(IN_FLIGHT)],
    ['with some acks before and some after they reach Redis', repliesLost(IN_FLIGHT / 2)],
    ['with one ack applied', repliesLost(1)],
    ['in the middle of a reply', replyTorn],
    ['with acks that reach Redis later', commandsLate],
  ])('%s runs and completes each job once', async (_, loss) => {
    const queue = system.queue();
    const stage = newStage();
    let isArmed = false;
    const { proxy, losses } = await losingProxy(loss, isAck, () => isArmed);
    const settings = { queue: queue.name, redis_url: proxy.url, concurrency: IN_FLIGHT };
    const worker = await system.startWorker('faults_async_worker.py', settings, stage.env);
    const ids = await addMany(queue, 'hold', IN_FLIGHT * 4, { sign: 'finish', bytes: RESULT_BYTES });
    await allRunning(stage, IN_FLIGHT);

    isArmed = true;
    stage.putUp('finish');
    await completedCount(queue, ids.length);

    await worker.stop();
    expect(losses()).toBe(LOSSES);
    await expectEachExactlyOnce(system.redis, queue, stage, ids);
  });
});
