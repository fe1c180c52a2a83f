import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Queue } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { type Stage, useStages } from '../faults/stage.js';
import type { PythonWorker } from '../support/python-worker.js';
import { uniqueName, useSystem } from '../support/system.js';
import { waitFor } from '../support/wait-for.js';

const system = useSystem();
const newStage = useStages();

const MISMATCH = 8;
const BUNDLE = fileURLToPath(new URL('../../python-client/bullmq_bridge/protocol/bundle.json', import.meta.url));
const UNSUPPORTED_PATTERN = 6;

/** A queue that says nothing of the version of BullMQ that made it. */
function silentQueue(): Queue {
  return system.queue(uniqueName(), { skipMetasUpdate: true });
}

/** Writes what a `Queue` of another version, which is not installed here, writes when it is made. */
async function write(queue: Queue, version: string): Promise<void> {
  await system.redis.hset(queue.toKey('meta'), 'version', version);
}

function launch(queue: Queue, stage: Stage, env: Readonly<Record<string, string>> = {}): PythonWorker {
  return system.launchWorker('mismatch_worker.py', { queue: queue.name, concurrency: 2 }, { ...stage.env, ...env });
}

/** The lines that the worker has written about the version of the backend of a queue. */
function said(worker: PythonWorker, queue: Queue): string[] {
  return worker.log.split('\n').filter((line) => line.includes(`${queue.name}: `) && / backend /.test(line));
}

/** Waits until the worker has looked at the version again. */
async function looks(worker: PythonWorker, queue: Queue): Promise<void> {
  // It says what it has not seen yet: so it has looked since this was written.
  const before = await system.redis.hget(queue.toKey('meta'), 'version');
  await write(queue, 'lizard:1.0.0');
  await worker.waitForLog(new RegExp(`${queue.name}: the backend runs lizard:1\\.0\\.0`));
  if (before === null) await system.redis.hdel(queue.toKey('meta'), 'version');
  else await write(queue, before);
}

async function works(queue: Queue): Promise<void> {
  const job = await queue.add('work', null);
  await system.jobIn('completed', queue, job.id);
}

describe.concurrent('a worker that starts beside a backend', () => {
  it('of the version of its bundle says nothing', async () => {
    const queue = system.queue();
    await queue.getVersion(); // written
    const worker = launch(queue, newStage());
    await worker.waitForReady();
    await works(queue);
    expect(said(worker, queue)).toEqual([]);
    await worker.stop();
  });

  it.each([
    [
      'of another release of the same major version',
      'bullmq:6.0.1',
      /the backend runs BullMQ 6\.0\.1, the bundle is of 6\./,
    ],
    ['that calls itself something else', 'jackal:1.0.0', /the backend runs jackal:1\.0\.0, whose scripts may differ/],
  ])('%s warns once, and works', async (_, version, message) => {
    const queue = silentQueue();
    await write(queue, version);
    const worker = launch(queue, newStage());
    await worker.waitForReady();
    await works(queue);
    await looks(worker, queue);
    const [warning, ...others] = said(worker, queue);
    expect(warning).toMatch(/ WARNING /);
    expect(warning).toMatch(message);
    expect(others.filter((line) => message.test(line))).toEqual([]);
    await worker.stop();
  });

  it.each([
    ['across the border of 5 and 6', 'bullmq:5.81.5', /npx bullmq-bridge emit/],
    ['older than 5.58', 'bullmq:5.41.0', /upgrade the backend/],
    ['BullMQ Pro', 'bullmq-pro:7.38.5', /jobs in groups would not be found/],
  ])('%s ends with code 8 and a remedy, and takes no job', async (_, version, remedy) => {
    const queue = silentQueue();
    await write(queue, version);
    const job = await queue.add('work', null);
    const worker = launch(queue, newStage());
    expect(await worker.ended()).toBe(MISMATCH);
    const [line, ...others] = said(worker, queue);
    expect(line).toMatch(/ ERROR /);
    expect(line).toMatch(remedy);
    expect(line).toMatch(/BULLMQ_BRIDGE_ALLOW_VERSION_MISMATCH=true, overrides this; the worker of this queue stops$/);
    expect(others).toEqual([]);
    expect(worker.log).not.toMatch(/Traceback| is ready/);
    expect(await job.getState()).toBe('waiting');
  });

  it('that would be refused works when that is allowed, with one warning', async () => {
    const queue = silentQueue();
    await write(queue, 'bullmq:5.81.5');
    const worker = launch(queue, newStage(), { BULLMQ_BRIDGE_ALLOW_VERSION_MISMATCH: 'true' });
    await worker.waitForReady();
    await works(queue);
    await looks(worker, queue);
    const [warning, ...others] = said(worker, queue);
    expect(warning).toMatch(/ WARNING .*\(allowed by the settings\)$/);
    expect(others).toHaveLength(1); // what `looks` wrote
    await worker.stop();
  });

  it('that has written no version, as one on PostgreSQL or one with a FlowProducer alone, works with one note', async () => {
    const name = uniqueName();
    const worker = system.launchWorker('mismatch_worker.py', { queue: name, concurrency: 2 }, newStage().env);
    await worker.waitForReady();
    const { job } = await system.flows().add({ queueName: name, name: 'work', data: null });
    await waitFor('the job', () => job.isCompleted());
    const queue = system.queue(name, { skipMetasUpdate: true });
    expect(await system.redis.hget(queue.toKey('meta'), 'version')).toBeNull();
    const [note, ...others] = said(worker, queue);
    expect(note).toMatch(
      / INFO .*no backend has written its version into the queue.* PostgreSQL, which Python cannot serve$/,
    );
    expect(others).toEqual([]);
    await worker.stop();
  });
});

describe.concurrent('a backend that changes while the worker runs', () => {
  it('across a major version makes it end with code 8 when the jobs that run have ended', async () => {
    const queue = system.queue();
    await queue.getVersion();
    const stage = newStage();
    const worker = launch(queue, stage);
    await worker.waitForReady();
    const held = await queue.add('work', { sign: 'go' });
    await waitFor('the job', () => stage.runs(held.id).length === 1);
    await write(queue, 'bullmq:5.81.5');
    await worker.waitForLog(/ ERROR .*the backend runs BullMQ 5\.81\.5, .*; the worker of this queue stops/);
    const next = await queue.add('work', null);
    expect(worker.isRunning).toBe(true);
    stage.putUp('go');
    expect(await worker.ended()).toBe(MISMATCH);
    expect(await held.getState()).toBe('completed');
    expect(await next.getState()).toBe('waiting');
  });

  it('to other releases of the same major version and back is told, and the worker works on', async () => {
    const queue = system.queue();
    const ours = await queue.getVersion();
    const worker = launch(queue, newStage());
    await worker.waitForReady();
    await write(queue, 'bullmq:6.0.1');
    await worker.waitForLog(/ WARNING .*the backend runs BullMQ 6\.0\.1/);
    await write(queue, ours as string);
    await looks(worker, queue);
    await write(queue, 'bullmq:6.0.2');
    await worker.waitForLog(/ WARNING .*the backend runs BullMQ 6\.0\.2/);
    await works(queue);
    expect(said(worker, queue).map((line) => line.match(/runs (?:BullMQ )?(\S+?),/)?.[1])).toEqual([
      '6.0.1',
      'lizard:1.0.0',
      '6.0.2',
    ]);
    await worker.stop();
  });

  it('is none when its queue is obliterated', async () => {
    const queue = system.queue();
    await queue.getVersion();
    const worker = launch(queue, newStage());
    await worker.waitForReady();
    await queue.obliterate({ force: true });
    await worker.waitForLog(/ INFO .*no backend has written its version/);
    await works(queue);
    await worker.stop();
  });
});

describe.concurrent('a worker that came with several bundles', () => {
  /** Scripts of 6.7 that pass for those of two versions: only the choice is looked at. */
  function bundles(stage: Stage): string {
    const bundle = JSON.parse(readFileSync(BUNDLE, 'utf8'));
    stage.write('bundle.json', JSON.stringify(bundle));
    stage.write('bundle-5.json', JSON.stringify({ ...bundle, bullmq: '5.81.5' }));
    return stage.folder;
  }

  it('takes the one that fits each queue, and another when it is started after an upgrade', async () => {
    const [first, second] = [system.queue(), silentQueue()];
    await first.getVersion();
    await write(second, 'bullmq:5.81.5');
    const stage = newStage();
    const env = { BUNDLES: bundles(stage), SECOND_QUEUE: second.name };
    const worker = launch(first, stage, env);
    await worker.waitForLog(new RegExp(`worker of queue ${second.name} is ready`));
    await works(first);
    await works(second);
    expect([...said(worker, first), ...said(worker, second)]).toEqual([]);
    await write(second, `${await first.getVersion()}`);
    await worker.waitForLog(new RegExp(` ERROR queue ${second.name}: .*, the bundle is of 5\\.81\\.5`));
    worker.signal('SIGTERM');
    expect(await worker.ended()).toBe(MISMATCH);
    const next = launch(second, stage, { BUNDLES: env.BUNDLES });
    await next.waitForReady();
    await works(second);
    expect(said(next, second)).toEqual([]);
    await next.stop();
  });

  it('takes the file that is named, whatever the backend runs', async () => {
    const queue = silentQueue();
    await write(queue, 'bullmq:5.81.5');
    const stage = newStage();
    const worker = launch(queue, stage, { BUNDLES: bundles(stage), BULLMQ_BRIDGE_BUNDLE: BUNDLE });
    expect(await worker.ended()).toBe(MISMATCH);
  });
});

describe.concurrent('a process with two queues, one of which the worker must leave alone', () => {
  async function start(first: Queue, second: Queue, stage: Stage): Promise<PythonWorker> {
    const worker = launch(first, stage, { SECOND_QUEUE: second.name });
    await worker.waitForLog(new RegExp(`worker of queue ${first.name} is ready`));
    return worker;
  }

  it('at the start: serves the other, and ends with code 8', async () => {
    const [first, second] = [silentQueue(), silentQueue()];
    await write(second, 'bullmq:5.81.5');
    const left = await second.add('work', null);
    const worker = await start(first, second, newStage());
    await works(first);
    await worker.waitForLog(new RegExp(` ERROR queue ${second.name}: the backend runs BullMQ 5\\.81\\.5`));
    worker.signal('SIGTERM');
    expect(await worker.ended()).toBe(MISMATCH);
    expect(await left.getState()).toBe('waiting');
  });

  it('both of them: ends at once, with code 8 if another bundle heals one of them', async () => {
    const [first, second] = [silentQueue(), silentQueue()];
    await first.upsertJobScheduler('tick', { pattern: 'H 4 1 * *' }, { name: 'work', data: null });
    await write(second, 'bullmq:5.81.5');
    const worker = launch(first, newStage(), { SECOND_QUEUE: second.name });
    expect(await worker.ended()).toBe(MISMATCH);
    expect(worker.log).toMatch(/job scheduler 'tick': .*; the worker of this queue stops/);
    expect(worker.log).toMatch(/the backend runs BullMQ 5\.81\.5, .*; the worker of this queue stops/);
  });

  it('later: ends the jobs that run there and its connection, and serves the other', async () => {
    const [first, second] = [silentQueue(), silentQueue()];
    const stage = newStage();
    const worker = await start(first, second, stage);
    await waitFor('the second worker', async () => (await second.getWorkers()).length === 1);
    const held = await second.add('work', { sign: 'go' });
    await waitFor('the job', () => stage.runs(held.id).length === 1);
    await write(second, 'bullmq:5.81.5');
    await worker.waitForLog(new RegExp(` ERROR queue ${second.name}: the backend`));
    await works(first);
    stage.putUp('go');
    await system.jobIn('completed', second, held.id);
    await waitFor('the end of the second worker', async () => (await second.getWorkers()).length === 0);
    const left = await second.add('work', null);
    await works(first);
    expect(await left.getState()).toBe('waiting');
    expect(worker.isRunning).toBe(true);

    await write(first, 'bullmq:5.81.5');
    expect(await worker.ended()).toBe(MISMATCH);
  });

  it('for a pattern that cannot be computed: serves the other, and ends with code 6', async () => {
    const [first, second] = [silentQueue(), silentQueue()];
    const worker = await start(first, second, newStage());
    await second.upsertJobScheduler('tick', { pattern: 'H 4 1 * *' }, { name: 'work', data: null });
    const [ticked] = await second.getDelayed();
    await ticked?.promote();
    await worker.waitForLog(
      new RegExp(` ERROR queue ${second.name}: job scheduler 'tick': .*; the worker of this queue`),
    );
    await waitFor('the end of the second worker', async () => (await second.getWorkers()).length === 0);
    await works(first);
    expect(await ticked?.getState()).toBe('waiting');
    worker.signal('SIGTERM');
    expect(await worker.ended()).toBe(UNSUPPORTED_PATTERN);
  });
});
