import { execa } from 'execa';
import { Contestant } from './contestant.js';
import { fill, type Ground, openQueue, untilCompleted } from './ground.js';

/** Resident memory in MiB. */
export interface Memory {
  /** A worker with coroutine slots, idle after its jobs. */
  readonly worker: number;
  /** A process slot, above a Python that has imported the same modules. */
  readonly child: number;
}

/** What a worker and one of its process slots need. */
export async function memory(ground: Ground): Promise<Memory> {
  return { worker: await workerMemory(ground), child: await childMemory(ground) };
}

async function workerMemory(ground: Ground): Promise<number> {
  const queue = openQueue(ground, 'memory-async');
  const worker = new Contestant('async', queue.name, 10, ground.redisUrl, ground.interpreters);
  try {
    await worker.ready;
    await fill(queue, ground.scale.jobs);
    await untilCompleted(ground, queue, ground.scale.jobs);
    return worker.memoryMib().own;
  } finally {
    await worker.stop();
    await queue.obliterate({ force: true });
    await queue.close();
  }
}

async function childMemory(ground: Ground): Promise<number> {
  const queue = openQueue(ground, 'memory-process');
  const worker = new Contestant('process', queue.name, 1, ground.redisUrl, ground.interpreters);
  try {
    await worker.ready;
    const jobs = Math.ceil(ground.scale.jobs / 10);
    await fill(queue, jobs);
    await untilCompleted(ground, queue, jobs);
    return (worker.memoryMib().children[0] ?? 0) - (await bareInterpreter(ground.interpreters.bridge));
  } finally {
    await worker.stop();
    await queue.obliterate({ force: true });
    await queue.close();
  }
}

/** A Python that has imported what the processor's module imports, apart from the library: nothing but os and time. */
async function bareInterpreter(python: string): Promise<number> {
  const script =
    'import os, time; print(next(l.split()[1] for l in open("/proc/self/status") if l.startswith("VmRSS")))';
  const { stdout } = await execa(python, ['-c', script]);
  return Number(stdout) / 1024;
}
