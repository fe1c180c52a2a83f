import {
  DelayedError,
  type Job,
  type Processor,
  type Queue,
  UnrecoverableError,
  WaitingChildrenError,
  Worker,
} from 'bullmq';
import { Redis } from 'ioredis';

const GATE_TIMEOUT_S = 30;

/** The twins of `fixtures/semantics_coroutines.py` for a worker of BullMQ itself: same names, same behaviour. */
const PROCESSORS: Readonly<
  Record<string, (job: Job, token: string, queue: Queue, signal?: AbortSignal) => Promise<unknown>>
> = {
  echo: async (job) => job.data,

  'report-progress': async (job) => {
    for (const progress of job.data) await job.updateProgress(progress);
  },

  fail: async (job) => {
    throw new Error(job.data.message);
  },

  'fail-for-good': async (job) => {
    throw new UnrecoverableError(job.data.message);
  },

  flaky: async (job) => {
    if (job.attemptsMade < job.data.failures) throw new Error(`attempt ${job.attemptsMade + 1} failed`);
    return job.attemptsMade;
  },

  hold: async (job) => {
    await passGate(job.data.gate);
    return 'released';
  },

  'hold-or-clean-up': async (job, _, __, signal) => {
    const aborted = new Promise<never>((_, reject) => {
      signal?.addEventListener('abort', () => reject(new UnrecoverableError(String(signal.reason))));
    });
    try {
      await Promise.race([passGate(job.data.gate), aborted]);
    } catch (error) {
      await job.log('cleaned up');
      throw error;
    }
    return 'released';
  },

  'hold-and-fail': async (job) => {
    await passGate(job.data.gate);
    throw new Error('failed behind the gate');
  },

  limit: async (job, _, queue) => {
    if (job.attemptsStarted <= job.data.times) {
      await queue.rateLimit(job.data.ttlMs);
      throw Worker.RateLimitError();
    }
    return 'within the limit';
  },

  snooze: async (job, token) => {
    if (job.attemptsStarted <= job.data.times) {
      await job.moveToDelayed(Date.now() + job.data.delayMs, token);
      throw new DelayedError();
    }
    return 'awake';
  },

  steps: async (job, token, queue) => {
    const { step = 'sleep', delayMs } = job.data;
    if (step === 'sleep') {
      await job.updateData({ ...job.data, step: 'plan' });
      await job.moveToDelayed(Date.now() + delayMs, token);
      throw new DelayedError();
    }
    if (step === 'plan') {
      const parent = { id: job.id as string, queue: `${job.data.prefix}:${job.data.queue}` };
      await queue.add('echo', 'of the child', { jobId: 'child', parent });
      await job.updateData({ ...job.data, step: 'collect' });
      if (await job.moveToWaitingChildren(token)) throw new WaitingChildrenError();
    }
    return job.getChildrenValues();
  },

  'wait-for-children': async (job, token) => {
    await passGate(job.data.gate);
    if (await job.moveToWaitingChildren(token)) throw new WaitingChildrenError();
    return { values: await job.getChildrenValues(), failures: await job.getIgnoredChildrenFailures() };
  },
};

/** A processor that runs a job of the queue by its name. */
export function processorOf(queue: Queue): Processor {
  // BullMQ counts the parameters: without the third it makes no signal.
  return async (job: Job, token: string | undefined, signal: AbortSignal | undefined) => {
    const processor = PROCESSORS[job.name];
    if (processor === undefined) throw new Error(`no processor for ${job.name}`);
    return processor(job, token ?? '', queue, signal);
  };
}

async function passGate(gate: string): Promise<void> {
  const connection = new Redis(process.env.REDIS_URL ?? '');
  try {
    const opened = await connection.blpop(gate, GATE_TIMEOUT_S);
    if (opened === null) throw new Error(`nobody opened ${gate}`);
  } finally {
    connection.disconnect();
  }
}
