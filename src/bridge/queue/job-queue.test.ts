import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { type Job, RedisQueueBackend, Worker } from 'bullmq';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { ContractLintError } from '../contract/emission/finding.js';
import { defineQueue, job } from '../contract/queue.js';
import { wireJobs } from '../contract/wire.js';
import { buildBundle } from '../protocol/bundle.js';
import { readBullmq } from '../protocol/installed.js';
import { ContractError } from './contract-error.js';
import { mail, reports } from './contracts.test-support.js';
import { flowJob } from './flow.js';
import { JobQueue } from './job-queue.js';
import { JobQueueEvents } from './job-queue-events.js';
import { keysOf, REDIS_URL, useRedis } from './redis.test-support.js';

describe('JobQueue', () => {
  it('refuses a contract that Python could not check, when it is made', () => {
    const bad = defineQueue('bad', { run: job({ data: z.object({ at: z.date() }), result: z.null() }) });
    const connection = { defineCommand() {}, duplicate() {} } as never;
    expect(() => new JobQueue(bad, { connection })).toThrow(ContractLintError);
  });

  it('refuses what is no ioredis connection, and says what is', () => {
    const url = 'redis://localhost' as never;
    expect(() => new JobQueue(mail, { connection: url })).toThrow("queue 'mail' needs your ioredis connection");
    expect(() => new JobQueueEvents(mail, undefined as never)).toThrow('new Redis(url)');
  });
});

describe.skipIf(REDIS_URL === undefined)('JobQueue on Redis', () => {
  const redis = useRedis();
  let prefix: string;
  let queue: JobQueue<typeof mail>;
  const queues: JobQueue<typeof mail>[] = [];

  beforeEach(() => {
    prefix = `${redis.prefix}:${randomUUID().slice(0, 8)}`;
    queue = new JobQueue(mail, { connection: redis.connection, prefix });
    queues.push(queue);
  });

  afterAll(async () => {
    await Promise.all(queues.map((each) => each.close()));
  });

  /** The hash of a job, as Python finds it. */
  const stored = async (id: string | undefined, name = 'mail') => {
    const hash = await redis.connection.hgetall(`${prefix}:${name}:${id}`);
    return { ...hash, data: JSON.parse(hash.data ?? 'null'), opts: JSON.parse(hash.opts ?? 'null') };
  };

  /** Keys that hold jobs: without the queue's own bookkeeping. */
  const jobKeys = async () => (await keysOf(redis.connection, prefix)).filter((key) => !/:(meta|events)$/.test(key));

  describe('add', () => {
    it('stores what the schema makes of the data: defaults filled in, unknown keys dropped', async () => {
      const extra = { to: 'a@b.cd', note: 'x' };
      const { id } = await queue.add('send', extra);
      expect((await stored(id)).data).toEqual({ to: 'a@b.cd', subject: '(none)' });
    });

    it('stores codecs in their wire form', async () => {
      const { id } = await queue.add('remind', { at: '2030-01-01T00:00:00Z', count: '9007199254740993' });
      expect((await stored(id)).data).toEqual({ at: '2030-01-01T00:00:00.000Z', count: '9007199254740993' });
    });

    it('stores the options of the contract, with a priority and the fingerprint', async () => {
      const { id } = await queue.add('send', { to: 'a@b.cd' });
      expect((await stored(id)).opts).toEqual({
        attempts: 3,
        backoff: { type: 'fixed', delay: 5 },
        priority: 10,
        contractFingerprint: wireJobs(mail).get('send')?.fingerprint,
      });
    });

    it('lets the options of the call win, and takes priorities by name', async () => {
      const { id } = await queue.add('send', { to: 'a@b.cd' }, { attempts: 1, priority: 'low', jobId: 'mine' });
      expect(id).toBe('mine');
      expect((await stored('mine')).opts).toMatchObject({ attempts: 1, priority: 100, backoff: { delay: 5 } });
    });

    it('does not let an undefined option win', async () => {
      const { id } = await queue.add('send', { to: 'a@b.cd' }, { attempts: undefined, priority: undefined });
      expect((await stored(id)).opts).toMatchObject({ attempts: 3, priority: 10 });
    });

    it('refuses a priority of 0, which would go before every other job', async () => {
      await expect(queue.add('send', { to: 'a@b.cd' }, { priority: 0 })).rejects.toThrow(/priority must be high/);
    });

    it('refuses bad data with queue, job and every failing path, and nothing reaches Redis', async () => {
      const data = { to: 'nobody', tags: ['ok', ''], subject: 7 } as never;
      const violation = (path: string, pointer: string, rule: string, value: string) =>
        ({ queue: 'mail', job: 'send', path, pointer, rule, message: expect.any(String), value }) as const;
      const error = await queue.add('send', data).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(ContractError);
      expect((error as ContractError).violations).toEqual([
        violation('to', '/to', 'pattern', 'text of 6 characters'),
        violation('subject', '/subject', 'type', 'number'),
        violation('tags[1]', '/tags/1', 'minLength', 'text of 0 characters'),
      ]);
      expect((error as ContractError).message).toMatch(
        /^Job 'send' of queue 'mail': the data is refused: to: .*tags\[1\]: /,
      );
      expect(await jobKeys()).toEqual([]);
    });

    it('refuses an unknown job, and names those that there are', async () => {
      await expect(queue.add('sendd' as 'send', { to: 'a@b.cd' })).rejects.toThrow(
        "Job 'sendd' of queue 'mail': the data is refused: there is no such job; the queue has send, remind",
      );
    });
  });

  describe('addMany', () => {
    it('adds all, in order, each with its own options', async () => {
      const jobs = await queue.addMany([
        { name: 'send', data: { to: 'a@b.cd' }, opts: { delay: 60_000 } },
        { name: 'remind', data: { at: '2030-01-01T00:00:00Z' } },
      ]);
      expect(jobs.map(({ name }) => name)).toEqual(['send', 'remind']);
      expect((await stored(jobs[0].id)).opts).toMatchObject({ delay: 60_000, attempts: 3 });
      expect((await stored(jobs[1].id)).opts).toMatchObject({ priority: 1 });
    });

    it('adds nothing when any item is bad, and names all that are', async () => {
      const error = await queue
        .addMany([
          { name: 'send', data: { to: 'a@b.cd' } },
          { name: 'send', data: { to: 'bad' } },
          { name: 'remind', data: { at: 'yesterday' } },
        ])
        .catch((caught: unknown) => caught);
      expect((error as ContractError).violations).toMatchObject([
        { item: '[1]', job: 'send', path: 'to' },
        { item: '[2]', job: 'remind', path: 'at' },
      ]);
      expect((error as ContractError).message).toContain("Job 'remind' of queue 'mail' at [2]: ");
      expect(await jobKeys()).toEqual([]);
    });

    it('adds nothing when an option is bad', async () => {
      const bad = queue.addMany([
        { name: 'send', data: { to: 'a@b.cd' } },
        { name: 'send', data: { to: 'a@b.cd' }, opts: { priority: -1 } },
      ]);
      await expect(bad).rejects.toThrow(RangeError);
      expect(await jobKeys()).toEqual([]);
    });
  });

  describe('flow', () => {
    it('adds parent and children, across queues, with fingerprints and priorities', async () => {
      const { job: parent, children } = await queue.flow({
        name: 'send',
        data: { to: 'a@b.cd' },
        opts: { jobId: 'parent' },
        children: [
          {
            name: 'remind',
            data: { at: '2030-01-01T00:00:00Z' },
            children: [{ name: 'send', data: { to: 'c@d.ef' } }],
          },
          flowJob(reports, { name: 'build', data: { month: 1 } }),
        ],
      });
      expect(await parent.getState()).toBe('waiting-children');
      expect(children.map((child) => [child.job.queueName, child.job.name])).toEqual([
        ['mail', 'remind'],
        ['reports', 'build'],
      ]);
      const foreign = await stored(children[1]?.job.id, 'reports');
      expect(foreign.opts).toMatchObject({
        contractFingerprint: wireJobs(reports).get('build')?.fingerprint,
        priority: 10,
      });
      expect((await stored('parent')).opts).toMatchObject({
        contractFingerprint: wireJobs(mail).get('send')?.fingerprint,
      });
      expect((await stored(children[0]?.children?.[0]?.job.id)).data).toEqual({ to: 'c@d.ef', subject: '(none)' });
    });

    it('lets the parent run when a child fails, unless the child says otherwise', async () => {
      const { job: parent, children } = await queue.flow({
        name: 'send',
        data: { to: 'a@b.cd' },
        children: [
          { name: 'send', data: { to: 'c@d.ef' } },
          { name: 'send', data: { to: 'c@d.ef' }, opts: { failParentOnFailure: true } },
          { name: 'send', data: { to: 'c@d.ef' }, opts: { ignoreDependencyOnFailure: false } },
        ],
      });
      expect(parent.opts.ignoreDependencyOnFailure).toBeUndefined();
      expect(children.map(({ job: { opts } }) => [opts.ignoreDependencyOnFailure, opts.failParentOnFailure])).toEqual([
        [true, undefined],
        [undefined, true],
        [false, undefined],
      ]);
    });

    it('checks every node before anything reaches Redis', async () => {
      const error = await queue
        .flow({
          name: 'send',
          data: { to: 'bad' },
          children: [
            { name: 'send', data: { to: 'a@b.cd' }, children: [{ name: 'remind', data: { at: '' } }] },
            flowJob(reports, { name: 'build', data: { month: 13 } }),
          ],
        })
        .catch((caught: unknown) => caught);
      expect((error as ContractError).violations).toMatchObject([
        { queue: 'mail', job: 'send', path: 'to' },
        { queue: 'mail', job: 'remind', item: 'children[0].children[0]', path: 'at' },
        { queue: 'reports', job: 'build', item: 'children[1]', path: 'month' },
      ]);
      expect(await jobKeys()).toEqual([]);
    });
  });

  it('sends scripts with the SHA1s of the bundle, so that Python shares them', async () => {
    await queue.add('send', { to: 'a@b.cd' });
    const { addPrioritizedJob } = buildBundle(readBullmq(process.cwd())).scripts;
    expect(await redis.connection.script('EXISTS', addPrioritizedJob?.sha1 ?? '')).toEqual([1]);
  });

  it('gives jobs back by id, and leaves the connection open when it is closed', async () => {
    const added = await queue.add('send', { to: 'a@b.cd' });
    expect((await queue.getJob(added.id ?? ''))?.name).toBe('send');
    expect(await queue.getJob('nobody')).toBeUndefined();
    await queue.close();
    expect(await redis.connection.ping()).toBe('PONG');
  });
});

describe.skipIf(REDIS_URL === undefined)('JobQueueEvents on Redis', () => {
  const redis = useRedis();
  let queue: JobQueue<typeof mail>;
  let events: JobQueueEvents<typeof mail>;
  let worker: Worker;
  let work: (job: Job) => Promise<unknown>;

  beforeAll(async () => {
    const options = { connection: redis.connection, prefix: redis.prefix };
    queue = new JobQueue(mail, options);
    events = new JobQueueEvents(mail, options);
    worker = new Worker('mail', (job) => work(job), {
      ...options,
      connection: redis.connection.duplicate({ maxRetriesPerRequest: null }),
    });
    await events.waitUntilReady();
  });

  afterAll(async () => {
    await worker.close();
    await events.close();
    await queue.close();
    worker.disconnect();
  });

  it('reads a result through the contract: defaults filled in, codecs decoded', async () => {
    work = async () => ({ messageId: 'm1', sentAt: '2030-01-01T00:00:00Z' });
    const result = await events.waitUntilFinished(await queue.add('send', { to: 'a@b.cd' }), 5_000);
    expect(result).toEqual({ messageId: 'm1', sentAt: new Date('2030-01-01T00:00:00Z'), attempts: 1 });
  });

  it('refuses a result that breaks the contract, with every failing path', async () => {
    work = async () => ({ messageId: 1, sentAt: 'now' });
    const waiting = events.waitUntilFinished(await queue.add('send', { to: 'a@b.cd' }), 5_000);
    const error = await waiting.catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ContractError);
    expect((error as ContractError).message).toContain(
      "Job 'send' of queue 'mail': the result is refused: messageId: ",
    );
    expect((error as ContractError).violations.map(({ path }) => path)).toEqual(['messageId', 'sentAt']);
  });

  it('rejects with the reason of a job that has failed', async () => {
    work = async () => {
      throw new Error('mailbox full');
    };
    const waiting = events.waitUntilFinished(await queue.add('send', { to: 'a@b.cd' }, { attempts: 1 }), 5_000);
    await expect(waiting).rejects.toThrow('mailbox full');
  });

  it('hears of a job that ends before BullMQ begins to read events', async () => {
    const slow = new JobQueueEvents(mail, { connection: redis.connection, prefix: redis.prefix });
    const backend = slow.bullmq.getBackend();
    const signals = new EventEmitter();
    const readOn = once(signals, 'read on');
    const { readEvents } = backend;
    backend.readEvents = async (...args: Parameters<typeof readEvents>) => {
      await readOn;
      return readEvents.apply(backend, args);
    };
    try {
      const end = once(signals, 'end');
      work = async () => {
        await end;
        return { messageId: 'm1', sentAt: '2030-01-01T00:00:00Z' };
      };
      const current = await queue.add('send', { to: 'a@b.cd' });
      const asked = vi.spyOn(RedisQueueBackend.prototype, 'isFinished');
      const waiting = slow.waitUntilFinished(current, 5_000);
      await vi.waitFor(() => expect(asked).toHaveResolved());
      signals.emit('end');
      await vi.waitFor(async () => expect(await current.isCompleted()).toBe(true));
      signals.emit('read on');
      expect(await waiting).toMatchObject({ messageId: 'm1' });
    } finally {
      signals.emit('read on');
      vi.restoreAllMocks();
      await slow.close();
    }
  });

  it('rejects when the time is over', async () => {
    const delayed = await queue.add('send', { to: 'a@b.cd' }, { delay: 60_000 });
    await expect(events.waitUntilFinished(delayed, 50)).rejects.toThrow('timed out');
  });

  it('hears of completed, failed and progress, until it is told to stop', async () => {
    const heard: string[] = [];
    work = async (current) => {
      await current.updateProgress({ page: 1 });
      if (current.data.subject === 'fail') {
        throw new Error('no');
      }
      return { messageId: 'm', sentAt: '2030-01-01T00:00:00Z' };
    };
    const done = new Promise<void>((resolve) => {
      events.on('progress', ({ data }) => heard.push(`progress ${JSON.stringify(data)}`));
      events.on('completed', ({ returnvalue }) => heard.push(`completed ${returnvalue?.messageId}`));
      events.on('failed', ({ failedReason }) => {
        heard.push(`failed ${failedReason}`);
        resolve();
      });
    });
    await queue.add('send', { to: 'a@b.cd' }, { attempts: 1 });
    await queue.add('send', { to: 'a@b.cd', subject: 'fail' }, { attempts: 1 });
    await done;
    expect(heard).toEqual(['progress {"page":1}', 'completed m', 'progress {"page":1}', 'failed no']);

    const late: string[] = [];
    const listener = ({ jobId }: { jobId: string }) => late.push(jobId);
    events.on('completed', listener).off('completed', listener);
    await events.waitUntilFinished(await queue.add('send', { to: 'a@b.cd' }), 5_000);
    expect(late).toEqual([]);
  });
});
