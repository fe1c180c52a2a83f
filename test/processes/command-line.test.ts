import { fileURLToPath } from 'node:url';
import type { Queue } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { completedCount, settled } from '../faults/queue-state.js';
import { type Stage, useStages } from '../faults/stage.js';
import { isAlive } from '../support/processes.js';
import { useSystem } from '../support/system.js';
import { waitFor } from '../support/wait-for.js';
import { expectHandedBack, expectNothingHeld } from './hand-back.js';
import { usePython } from './python-command.js';

const system = useSystem();
const newStage = useStages();
const python = usePython();

const PYTHON_CLIENT = fileURLToPath(new URL('../../python-client/', import.meta.url));
const WORKER = ['-m', 'bullmq_bridge', 'worker'];

function run(queue: Queue, stage: Stage, ...flags: string[]) {
  const settings = { queue: queue.name, prefix: system.prefix, redis_url: system.url };
  return python([...WORKER, 'processes_plain:worker', ...flags], {
    env: { ...stage.env, WORKER_SETTINGS: JSON.stringify(settings) },
  });
}

function add(queue: Queue, count: number) {
  return queue.addBulk(Array.from({ length: count }, () => ({ name: 'work', data: {} })));
}

describe.concurrent('--burst', () => {
  it('ends with code 0 when every slot has run out of jobs; delayed ones are left for later', async () => {
    const queue = system.queue();
    const stage = newStage();
    await add(queue, 25);
    const delayed = await queue.add('work', {}, { delay: 600_000 });
    const command = run(queue, stage, '--burst', '--concurrency', '3');
    expect(await command.ended()).toBe(0);
    expect(await queue.getCompletedCount()).toBe(25);
    expect(await queue.getJobState(delayed.id as string)).toBe('delayed');
    await expectNothingHeld(system, queue);
  });

  it('ends on an empty queue', async () => {
    const queue = system.queue();
    const command = run(queue, newStage(), '--burst', '--concurrency', '1');
    expect(await command.ended()).toBe(0);
  });

  it('waits for the slot that is last, though another has found the queue empty', async () => {
    const queue = system.queue();
    const stage = newStage();
    await queue.add('hold', { sign: 'go' });
    await queue.add('work', {});
    const settings = { queue: queue.name, concurrency: 2, burst: true };
    const worker = await system.startWorker('processes_worker.py', settings, stage.env);
    await completedCount(queue, 1);
    expect(worker.isRunning).toBe(true);
    stage.putUp('go');
    expect(await worker.ended()).toBe(0);
    expect(await queue.getCompletedCount()).toBe(2);
  });

  it('waits for the end of a rate limit', async () => {
    const queue = system.queue();
    await queue.setGlobalRateLimit(2, 300);
    await add(queue, 5);
    const command = run(queue, newStage(), '--burst', '--concurrency', '2');
    expect(await command.ended()).toBe(0);
    expect(await queue.getCompletedCount()).toBe(5);
  });
});

describe.concurrent('python -m bullmq_bridge worker', () => {
  it('gives each flag to the worker that it runs', async () => {
    const queue = system.queue();
    const stage = newStage();
    const command = run(queue, stage, '--concurrency', '2', '--max-jobs', '1', '--shutdown-timeout', '0');
    await command.waitForError(/ is ready: 2 slots/);
    const jobs = await add(queue, 6);
    await completedCount(queue, jobs.length);
    expect(new Set(stage.runs().map(({ pid }) => pid)).size).toBe(6);
    expect(await command.ended('SIGTERM')).toBe(0);
  });

  it('ends with code 3 when it has to stop a job, which is handed back', async () => {
    const queue = system.queue();
    const stage = newStage();
    const settings = { queue: queue.name, prefix: system.prefix, redis_url: system.url };
    const command = python([...WORKER, 'processes_worker', '--concurrency', '1'], {
      env: {
        ...stage.env,
        WORKER_SETTINGS: JSON.stringify(settings),
        BULLMQ_BRIDGE_SHUTDOWN_TIMEOUT: '0.2',
      },
    });
    await command.waitForError(/ is ready: /);
    const { id = '' } = await queue.add('compute', {});
    await waitFor('the job', () => stage.runs(id).length === 1);
    expect(await command.ended('SIGTERM')).toBe(3);
    await expectHandedBack(system, queue, [id]);
  });

  it('ends with code 2 for a wrong flag and with 1 for a missing module, each said in one line', async () => {
    const wrong = python([...WORKER, 'processes_plain', '--concurrency', 'x']);
    const missing = python([...WORKER, 'nowhere:worker']);
    expect([await wrong.ended(), await missing.ended()]).toEqual([2, 1]);
    expect(wrong.stderr).toMatch(/^python -m bullmq_bridge worker: .*\n$/);
    expect(missing.stderr).toBe(
      "python -m bullmq_bridge worker: nowhere cannot be imported: No module named 'nowhere'\n",
    );
  });

  it('starts again when a file changes with --watch; a job that runs ends before', async () => {
    const queue = system.queue();
    const stage = newStage();
    const program = (answer: string) =>
      [
        'from pathlib import Path',
        'from bullmq_bridge import Worker',
        `worker = Worker(${JSON.stringify(queue.name)}, prefix=${JSON.stringify(system.prefix)}, concurrency=1)`,
        '@worker.job("work")',
        'def work(job):',
        '    import time',
        '    Path("running").touch()',
        '    while job.data and not Path("go").exists(): time.sleep(0.01)',
        `    return ${JSON.stringify(answer)}`,
      ].join('\n');
    stage.write('watched.py', program('old'));
    const command = python([...WORKER, 'watched:worker', '--watch'], { cwd: stage.folder });
    await command.waitForError(/ is ready: /);
    const { id = '' } = await queue.add('work', { wait: true });
    await waitFor('the job', () => stage.exists('running'));

    stage.write('watched.py', program('new'));
    await command.waitForError(/SIGINT: no more jobs are fetched/);
    stage.putUp('go');
    expect((await settled(queue, id)).returnvalue).toBe('old');
    await waitFor('the second start', () => command.stderr.match(/ is ready: /g)?.length === 2, { timeoutMs: 30_000 });
    const { id: next = '' } = await queue.add('work', false);
    expect((await settled(queue, next)).returnvalue).toBe('new');
    expect(await command.ended('SIGTERM')).toBe(0);
    await expectNothingHeld(system, queue);
    await waitFor('no worker', async () => (await queue.getWorkers()).length === 0);
  });
});

describe.concurrent('python -m workers.queue_worker', () => {
  it('takes the same flags', async () => {
    const ours = python([...WORKER, '--help'], { env: { COLUMNS: '100' } });
    const theirs = python(['-m', 'workers.queue_worker', '--help'], { cwd: PYTHON_CLIENT, env: { COLUMNS: '100' } });
    expect([await ours.ended(), await theirs.ended()]).toEqual([0, 0]);
    const options = (text: string) => text.match(/\noptions:\n.*?(?=\n\n|$)/s)?.[0]?.trim();
    expect(options(theirs.stdout)).toBe(options(ours.stdout));
    expect(theirs.stdout).toMatch(/^usage: python -m workers\.queue_worker /);
    expect(options(ours.stdout)).toMatch(/--watch/);
  });

  it('runs with them', async () => {
    const env = { REDIS_URL: system.url, QUEUE_PREFIX: system.prefix, BULLMQ_BRIDGE_BURST: 'true' };
    const command = python(['-m', 'workers.queue_worker', '--concurrency', '1'], { cwd: PYTHON_CLIENT, env });
    await command.waitForError(/worker of queue file-processing is ready: 1 slots/);
    const pid = command.pid;
    expect(await command.ended()).toBe(0);
    expect(isAlive(pid)).toBe(false);
  });
});
