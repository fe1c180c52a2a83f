import { describe, expect, it } from 'vitest';
import { readFailure } from '../../src/bridge/index.js';
import { isAlive } from '../support/processes.js';
import type { PythonWorker } from '../support/python-worker.js';
import { useSystem } from '../support/system.js';
import { waitFor } from '../support/wait-for.js';
import { eventsOf, hashOf, settled } from './queue-state.js';
import { type Stage, useStages } from './stage.js';

const system = useSystem();
const newStage = useStages();

const SHORT_LOCK = { concurrency: 1, lock_duration_ms: 1_000, stalled_interval_ms: 500 };

function start(queue: string, stage: Stage, settings = {}): Promise<PythonWorker> {
  return system.startWorker('faults_worker.py', { queue, ...SHORT_LOCK, ...settings }, stage.env);
}

async function runsOf(stage: Stage, id: string, count: number): Promise<void> {
  await waitFor(`run ${count} of job ${id}`, () => stage.runs(id).length === count, { state: () => stage.runs(id) });
}

describe.concurrent('a worker that is killed', () => {
  it('leaves its jobs to another one, which runs each once more, charged as a stall and not as an attempt', async () => {
    const queue = system.queue();
    const stage = newStage();
    const killed = await start(queue.name, stage, { concurrency: 2 });
    const jobs = await queue.addBulk([0, 1].map(() => ({ name: 'hold', data: { sign: 'finish' } })));
    const ids = jobs.map(({ id }) => id as string);
    for (const id of ids) await runsOf(stage, id, 1);

    await killed.kill();
    const other = await start(queue.name, stage, { concurrency: 2 });
    for (const id of ids) await runsOf(stage, id, 2);
    stage.putUp('finish');

    for (const id of ids) {
      expect((await settled(queue, id)).returnvalue).toBe('finish');
      expect(await hashOf(system.redis, queue, id)).toMatchObject({ stc: '1', atm: '1', ats: '2' });
      expect(stage.runs(id)).toHaveLength(2);
    }
    const stalled = await eventsOf(system.redis, queue, 'stalled');
    expect(stalled.map(({ jobId }) => jobId).sort()).toEqual(ids);
    await other.stop();
  });

  it('more often than allowed makes its job fail, with a reason that Node reads', async () => {
    const queue = system.queue();
    const stage = newStage();
    const job = await queue.add('hold', { sign: 'never' }, { attempts: 5 });
    const id = job.id as string;
    for (const run of [1, 2]) {
      const killed = await start(queue.name, stage, { max_stalled_count: 1 });
      await runsOf(stage, id, run);
      await killed.kill();
    }
    const last = await start(queue.name, stage, { max_stalled_count: 1 });

    const failed = await settled(queue, id);

    expect(failed.failedReason).toBe('job stalled more than allowable limit');
    expect(failed.stalledCounter).toBe(2);
    expect(stage.runs(id)).toHaveLength(2);
    expect(await readFailure(system.redis, failed)).toMatchObject({ kind: 'deferred', message: failed.failedReason });
    await last.stop();
  });

  it('takes its children along, one inside an endless C call and one idle', async ({ onTestFinished }) => {
    const queue = system.queue();
    const stage = newStage();
    const worker = await start(queue.name, stage, { concurrency: 2 });
    const job = await queue.add('stuck', {});
    await runsOf(stage, job.id as string, 1);
    const children = await worker.children();
    expect(children).toHaveLength(2);
    expect(children).toContain(stage.runs()[0]?.pid);
    onTestFinished(() => {
      for (const pid of children.filter(isAlive)) process.kill(pid, 'SIGKILL');
    });

    // Waits for the end of the children, too: by itself the call would go on for weeks.
    await worker.kill();
  });
});
