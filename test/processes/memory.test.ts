import { describe, expect, it } from 'vitest';
import { readFailure } from '../../src/bridge/index.js';
import { completedCount, expectEachExactlyOnce, hashOf, settled } from '../faults/queue-state.js';
import { useStages } from '../faults/stage.js';
import { useSystem } from '../support/system.js';
import { waitFor } from '../support/wait-for.js';

const system = useSystem();
const newStage = useStages();

describe.concurrent('a memory limit', () => {
  it('kills the process of a job that eats more; limit and peak are in the reason, the siblings go on', async () => {
    const queue = system.queue();
    const stage = newStage();
    const settings = { queue: queue.name, concurrency: 2, max_memory_mb: 120 };
    const worker = await system.startWorker('processes_worker.py', settings, stage.env);
    const sibling = await queue.add('hold', { sign: 'go' });
    await waitFor('the sibling', () => stage.runs().length === 1);
    const eater = await queue.add('eat', {});
    const failed = await settled(queue, eater.id as string);

    const match = failed.failedReason.match(
      /^the process that ran the job was killed at (\d+) MiB of memory \(peak (\d+) MiB\); its limit is 120 MiB$/,
    );
    expect(Number(match?.[1]), failed.failedReason).toBeGreaterThan(120);
    expect(Number(match?.[2])).toBeGreaterThanOrEqual(Number(match?.[1]) - 1);
    expect(await readFailure(system.redis, failed)).toMatchObject({ kind: 'killed_memory', attempt: 1 });
    stage.putUp('go');
    await settled(queue, sibling.id as string);
    expect(stage.runs(sibling.id)).toHaveLength(1);
    await worker.stop();
  });

  it('lets a process that has come near it go between two jobs: none of them is lost, none runs twice', async () => {
    const queue = system.queue();
    const stage = newStage();
    const settings = { queue: queue.name, concurrency: 1, max_memory_mb: 200 };
    const worker = await system.startWorker('processes_worker.py', settings, stage.env);
    const jobs = await queue.addBulk(Array.from({ length: 12 }, () => ({ name: 'leak', data: { mib: 40 } })));
    const ids = jobs.map(({ id }) => id as string);
    await completedCount(queue, ids.length);
    await worker.stop();

    await expectEachExactlyOnce(system.redis, queue, stage, ids);
    const pids = stage.runs().map(({ pid }) => pid);
    const each = [...new Set(pids)].map((pid) => pids.filter((other) => other === pid).length);
    expect(each.length).toBeGreaterThan(1);
    // 150 MiB is three quarters of it: three or four jobs.
    for (const count of each.slice(0, -1)) expect([2, 3, 4]).toContain(count);
  });
});

describe.concurrent('a process that dies of something else', () => {
  it('by a foreign SIGKILL: its job has crashed, whatever it used', async () => {
    const queue = system.queue();
    const stage = newStage();
    const settings = { queue: queue.name, concurrency: 1, max_memory_mb: 4000 };
    const worker = await system.startWorker('processes_worker.py', settings, stage.env);
    const { id = '' } = await queue.add('hold', { sign: 'never' });
    const { pid } = await waitFor('the job', () => stage.runs()[0]);
    process.kill(pid, 'SIGKILL');
    const failed = await settled(queue, id);
    expect(failed.failedReason).toMatch(
      /^the process that ran the job was killed by SIGKILL \(peak memory [1-9]\d+ MiB\)$/,
    );
    expect(await readFailure(system.redis, failed)).toMatchObject({ kind: 'crashed' });
    await worker.stop();
  });

  it.each([
    ['abort', /^the process that ran the job was killed by SIGABRT \(peak memory [1-9]\d+ MiB\)$/],
    ['_exit', /^the process that ran the job ended with exit code 0 \(peak memory [1-9]\d+ MiB\)$/],
  ])('by %s: its job has crashed, and the log shows where', async (how, reason) => {
    const queue = system.queue();
    const stage = newStage();
    const worker = await system.startWorker('processes_worker.py', { queue: queue.name, concurrency: 1 }, stage.env);
    const { id = '' } = await queue.add('die', { how });
    const failed = await settled(queue, id);
    expect(failed.failedReason).toMatch(reason);
    expect(await readFailure(system.redis, failed)).toMatchObject({ kind: 'crashed' });
    if (how === 'abort') expect(worker.log).toMatch(/Fatal Python error: Aborted\n.*File ".*", line \d+ in die\n/s);
    await worker.stop();
  });

  it('takes the programs along that it has started for its job', async () => {
    const queue = system.queue();
    const stage = newStage();
    const settings = { queue: queue.name, concurrency: 2, time_limit_s: 1.5 };
    const worker = await system.startWorker('processes_worker.py', settings, stage.env);
    const jobs = await queue.addBulk(['start-program', 'fork-and-hold'].map((name) => ({ name, data: {} })));
    for (const { id } of jobs) {
      const failed = await settled(queue, id as string);
      expect(failed.failedReason).toBe('the job was stopped after 1.5 s, its time limit');
    }
    for (const { remark } of stage.runs()) {
      await waitFor(`the end of process ${remark}`, () => !isRunning(Number(remark)));
    }
    await worker.stop();
  });
});

describe.concurrent('recycling by number of jobs', () => {
  it('loses none of hundreds of jobs and runs none twice', async () => {
    const queue = system.queue();
    const stage = newStage();
    const settings = { queue: queue.name, concurrency: 2, max_jobs_per_child: 3 };
    const jobs = await queue.addBulk(Array.from({ length: 80 }, () => ({ name: 'work', data: {} })));
    const worker = await system.startWorker('processes_worker.py', settings, stage.env);
    const ids = jobs.map(({ id }) => id as string);
    await completedCount(queue, ids.length, 55_000);
    await worker.stop();

    await expectEachExactlyOnce(system.redis, queue, stage, ids);
    const pids = stage.runs().map(({ pid }) => pid);
    const each = [...new Set(pids)].map((pid) => pids.filter((other) => other === pid).length);
    expect(Math.max(...each)).toBeLessThanOrEqual(3);
    // A process that leaves in time is no loss: nothing is said of it.
    expect(worker.log).not.toMatch(/the process of slot/);
  });

  it('is spread: processes that started together do not all go together', async () => {
    const queue = system.queue();
    const stage = newStage();
    const settings = { queue: queue.name, concurrency: 2, max_jobs_per_child: 200 };
    const worker = await system.startWorker('processes_worker.py', settings, stage.env);
    await queue.addBulk(Array.from({ length: 410 }, () => ({ name: 'work', data: {} })));
    await completedCount(queue, 410);
    await worker.stop();
    const pids = stage.runs().map(({ pid }) => pid);
    const full = [...new Set(pids)].map((pid) => pids.filter((other) => other === pid).length).filter((n) => n >= 160);
    expect(full.length).toBeGreaterThanOrEqual(2);
    expect(new Set(full).size).toBe(full.length);
    for (const count of full) expect(count).toBeLessThanOrEqual(200);
  });

  it('charges nothing when a job waits for the new process', async () => {
    const queue = system.queue();
    const stage = newStage();
    const settings = { queue: queue.name, concurrency: 1, max_jobs_per_child: 1 };
    const worker = await system.startWorker('processes_worker.py', settings, stage.env);
    const jobs = await queue.addBulk(Array.from({ length: 4 }, () => ({ name: 'work', data: {} })));
    await completedCount(queue, jobs.length);
    for (const { id } of jobs) {
      expect(await hashOf(system.redis, queue, id as string)).toMatchObject({ atm: '1', ats: '1' });
    }
    expect(new Set(stage.runs().map(({ pid }) => pid)).size).toBe(4);
    await worker.stop();
  });
});

/** Not even a zombie: an orphan is reaped by whoever adopts it. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
