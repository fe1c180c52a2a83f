import { AssertionError } from 'node:assert';
import { describe, expect, expectTypeOf, it } from 'vitest';
import * as z from 'zod';
import { ContractError, defineQueue, flowJob, type JobQueue, job } from '../index.js';
import { mail, reports } from '../queue/contracts.test-support.js';
import { expectEnqueued, fakeJobQueue } from './index.js';

describe('fakeJobQueue', () => {
  it('is a JobQueue to the compiler', () => {
    expectTypeOf(fakeJobQueue(mail)).toExtend<JobQueue<typeof mail>>();
    const only = (_: () => unknown) => {};
    only(async () => {
      // @ts-expect-error: data of another job
      await fakeJobQueue(mail).add('send', { at: '' });
      // @ts-expect-error: no such field
      expectEnqueued(fakeJobQueue(mail), 'send', { nope: 1 });
    });
  });

  it('remembers a job as it would lie in Redis', async () => {
    const queue = fakeJobQueue(mail);
    const added = await queue.add('remind', { at: '2030-01-01T00:00:00Z', count: '12' }, { delay: 5 });
    expect({ id: added.id, name: added.name, data: added.data }).toEqual({
      id: '1',
      name: 'remind',
      data: { at: '2030-01-01T00:00:00.000Z', count: '12' },
    });
    expect(queue.enqueued).toMatchObject([{ id: '1', queueName: 'mail', opts: { delay: 5, priority: 1 } }]);
    expect((await queue.getJob('1'))?.data).toEqual(added.data);
    expect(await queue.getJob('2')).toBeUndefined();
  });

  it('refuses what the contract refuses, all or none', async () => {
    const queue = fakeJobQueue(mail);
    await expect(queue.add('send', { to: 'nobody' })).rejects.toThrow(ContractError);
    await expect(
      queue.addMany([
        { name: 'send', data: { to: 'a@b.cd' } },
        { name: 'send', data: { to: 'bad' } },
      ]),
    ).rejects.toThrow(/at \[1\]: the data is refused: to: /);
    expect(queue.enqueued).toEqual([]);
    expect(() => fakeJobQueue(defineQueue('x', { y: job({ data: z.date(), result: z.null() }) }))).toThrow('no date');
  });

  it('remembers several jobs in order, and forgets them', async () => {
    const queue = fakeJobQueue(mail);
    const [first, second] = await queue.addMany([
      { name: 'send', data: { to: 'a@b.cd' } },
      { name: 'send', data: { to: 'c@d.ef' } },
    ]);
    expect([first.data.to, second.data.to]).toEqual(['a@b.cd', 'c@d.ef']);
    expect(queue.enqueued.map(({ id }) => id)).toEqual(['1', '2']);
    queue.clear();
    expect(queue.enqueued).toEqual([]);
  });

  it('adds a job of one id once', async () => {
    const queue = fakeJobQueue(mail);
    await queue.add('send', { to: 'a@b.cd' }, { jobId: 'x' });
    expect((await queue.add('send', { to: 'c@d.ef' }, { jobId: 'x' })).data.to).toBe('a@b.cd');
    expect(queue.enqueued).toHaveLength(1);
  });

  it('remembers the jobs of a flow with their parents and failure policies, also those of other queues', async () => {
    const queue = fakeJobQueue(mail);
    const flow = await queue.flow({
      name: 'send',
      data: { to: 'a@b.cd' },
      children: [
        { name: 'remind', data: { at: '2030-01-01T00:00:00Z' }, opts: { failParentOnFailure: true } },
        flowJob(reports, { name: 'build', data: { month: 1 } }),
      ],
    });
    expect(flow.children.map((child) => child.job.name)).toEqual(['remind', 'build']);
    expect(queue.enqueued).toMatchObject([
      { name: 'remind', queueName: 'mail', parentId: flow.job.id, opts: { failParentOnFailure: true } },
      { name: 'build', queueName: 'reports', parentId: flow.job.id, opts: { ignoreDependencyOnFailure: true } },
      { name: 'send', queueName: 'mail', id: flow.job.id },
    ]);
  });

  it('says of what needs Redis that it does', async () => {
    const queue = fakeJobQueue(mail);
    const added = await queue.add('send', { to: 'a@b.cd' });
    expect(() => queue.bullmq).toThrow("bullmq of the queue 'mail' needs Redis");
    await expect(queue.registry()).rejects.toThrow("registry of the queue 'mail' needs Redis");
    await queue.announced();
    expect(() => added.remove()).toThrow("remove of job 'send' needs Redis");
    await queue.close();
  });
});

describe('expectEnqueued', () => {
  const secretive = defineQueue('accounts', {
    'sign-up': job({
      data: z.object({
        user: z.object({ name: z.string(), pin: z.int().meta({ secret: true }) }),
        tags: z.array(z.int()),
      }),
      result: z.null(),
    }),
  });

  it('finds the first job that holds what is named', async () => {
    const queue = fakeJobQueue(secretive);
    await queue.add('sign-up', { user: { name: 'a', pin: 1 }, tags: [1] });
    await queue.add('sign-up', { user: { name: 'b', pin: 2 }, tags: [1, 2] }, { priority: 'low' });
    expect(expectEnqueued(queue, 'sign-up').id).toBe('1');
    expect(expectEnqueued(queue, 'sign-up', { user: { name: 'b' } }).id).toBe('2');
    expect(expectEnqueued(queue, 'sign-up', { tags: [1, 2] }, { priority: 100 }).data.user.pin).toBe(2);
  });

  it.each<[string, () => unknown, () => unknown]>([
    ['another value', () => ({ user: { name: 'c' } }), () => undefined],
    ['a shorter list', () => ({ tags: [] }), () => undefined],
    ['other options', () => ({}), () => ({ priority: 1 })],
  ])('throws when there is only one with %s, and lists it without secrets', async (_, data, opts) => {
    const queue = fakeJobQueue(secretive);
    await queue.add('sign-up', { user: { name: 'a', pin: 7777 }, tags: [1] });
    const expecting = () => expectEnqueued(queue, 'sign-up', data() as never, opts() as never);
    expect(expecting).toThrow(AssertionError);
    expect(expecting).toThrow(
      'No job \'sign-up\' was added with such data. These were:\n  sign-up {"user":{"name":"a","pin":"[secret]"},"tags":[1]}',
    );
  });

  it('says when nothing was added', () => {
    expect(() => expectEnqueued(fakeJobQueue(mail), 'send')).toThrow("No job 'send' was added. Nothing was added.");
  });
});
