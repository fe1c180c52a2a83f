import type { Job } from 'bullmq';
import { describe, expectTypeOf, it } from 'vitest';
import type * as z from 'zod';
import { z as z3 } from 'zod/v3';
import type { DataOf, JobQueue, JobQueueEvents, ResultOf } from './index.js';
import { defineQueue, flowJob, job } from './index.js';
import { type mail, reports } from './queue/contracts.test-support.js';

/*
 * What has to be a compile error, and what type comes out. Nothing here is run: the functions below are only compiled,
 * and `tsc` is what fails.
 */
type Mail = typeof mail;
declare const queue: JobQueue<Mail>;
declare const events: JobQueueEvents<Mail>;

const onlyCompiled = (_: () => Promise<unknown>) => {};

describe('the types of a contract', () => {
  it('type the data and the name of a job', () => {
    onlyCompiled(async () => {
      await queue.add('send', { to: 'a@b.cd' });
      await queue.add('send', { to: 'a@b.cd', subject: 'Hi', tags: ['x'] }, { priority: 'high', jobId: 'x' });
      // @ts-expect-error: no such job
      await queue.add('sendd', { to: 'a@b.cd' });
      // @ts-expect-error: data of another job
      await queue.add('send', { at: '2030-01-01T00:00:00Z' });
      // @ts-expect-error: a field is missing
      await queue.add('send', {});
      // @ts-expect-error: a field has the wrong type
      await queue.add('send', { to: 1 });
      // @ts-expect-error: a field that the contract does not have
      await queue.add('send', { to: 'a@b.cd', bcc: 'c@d.ef' });
      // @ts-expect-error: no such priority
      await queue.add('send', { to: 'a@b.cd' }, { priority: 'urgent' });
    });
    expectTypeOf<DataOf<Mail, 'remind'>>().toEqualTypeOf<{ at: string; count?: string | undefined }>();
  });

  it('type the job that comes back', () => {
    onlyCompiled(async () => {
      const added = await queue.add('send', { to: 'a@b.cd' });
      expectTypeOf(added.name).toEqualTypeOf<'send'>();
      expectTypeOf(added.data.to).toEqualTypeOf<string>();
      expectTypeOf(added.returnvalue.sentAt).toEqualTypeOf<string>();
      expectTypeOf(added).toExtend<Job>();
    });
  });

  it('type each item of addMany by its name', () => {
    onlyCompiled(async () => {
      const [first, second] = await queue.addMany([
        { name: 'send', data: { to: 'a@b.cd' } },
        { name: 'remind', data: { at: '2030-01-01T00:00:00Z' } },
      ]);
      expectTypeOf(first.name).toEqualTypeOf<'send'>();
      expectTypeOf(second.name).toEqualTypeOf<'remind'>();

      const addresses: string[] = [];
      const jobs = await queue.addMany(addresses.map((to) => ({ name: 'send' as const, data: { to } })));
      expectTypeOf(jobs[0]?.name).toEqualTypeOf<'send' | undefined>();
      // @ts-expect-error: data of another job
      await queue.addMany([{ name: 'remind', data: { to: 'a@b.cd' } }]);
      // @ts-expect-error: no such job
      await queue.addMany([{ name: 'nope', data: {} }]);
    });
  });

  it('type every node of a flow', () => {
    onlyCompiled(async () => {
      const { job: parent } = await queue.flow({
        name: 'send',
        data: { to: 'a@b.cd' },
        children: [
          { name: 'remind', data: { at: '2030-01-01T00:00:00Z' } },
          flowJob(reports, { name: 'build', data: { month: 1 } }),
        ],
      });
      expectTypeOf(parent.name).toEqualTypeOf<'send'>();
      // @ts-expect-error: data of another job in a child
      await queue.flow({ name: 'send', data: { to: 'a@b.cd' }, children: [{ name: 'remind', data: { to: 'x' } }] });
      // @ts-expect-error: a job of another queue, without flowJob
      await queue.flow({ name: 'send', data: { to: 'a@b.cd' }, children: [{ name: 'build', data: { month: 1 } }] });
      // @ts-expect-error: a job of another queue with the wrong data
      flowJob(reports, { name: 'build', data: { month: 'May' } });
    });
  });

  it('type the result as the schema reads it', () => {
    onlyCompiled(async () => {
      const result = await events.waitUntilFinished(await queue.add('send', { to: 'a@b.cd' }), 1_000);
      expectTypeOf(result).toEqualTypeOf<{ messageId: string; sentAt: Date; attempts: number }>();
      expectTypeOf(await events.waitUntilFinished(await queue.add('remind', { at: '' }))).toEqualTypeOf<null>();
    });
    expectTypeOf<ResultOf<Mail, 'remind'>>().toEqualTypeOf<null>();
  });

  it('type events', () => {
    onlyCompiled(async () => {
      events.on('completed', ({ jobId, returnvalue }) => {
        expectTypeOf(jobId).toEqualTypeOf<string>();
        expectTypeOf(returnvalue).toEqualTypeOf<{
          messageId: string;
          sentAt: string;
          attempts?: number | undefined;
        } | null>();
      });
      events.on('failed', ({ failedReason }) => expectTypeOf(failedReason).toEqualTypeOf<string>());
      // @ts-expect-error: no such event
      events.on('exploded', () => {});
    });
  });

  it('come from zod 3 schemas as well', () => {
    const old = defineQueue('old', { run: job({ data: z3.object({ n: z3.number() }), result: z3.string() }) });
    expectTypeOf<DataOf<typeof old, 'run'>>().toEqualTypeOf<{ n: number }>();
    expectTypeOf<ResultOf<typeof old, 'run'>>().toEqualTypeOf<string>();
  });

  it('refuse what is no contract', () => {
    const data = undefined as unknown as z.ZodString;
    onlyCompiled(async () => {
      // @ts-expect-error: no result
      defineQueue('x', { run: job({ data }) });
      // @ts-expect-error: no schema
      defineQueue('x', { run: job({ data, result: 'string' }) });
      // @ts-expect-error: unknown option
      defineQueue('x', { run: job({ data, result: data, options: { jobId: 'x' } }) });
    });
  });
});
