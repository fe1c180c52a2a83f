import { AssertionError } from 'node:assert';
import type { JobsOptions } from 'bullmq';
import type { DataOf, JobNameOf, QueueContract } from '../contract/queue.js';
import { redact } from '../queue/redact.js';
import type { EnqueuedJob, FakeJobQueue } from './fake-job-queue.js';

/** Any part of a value. */
type PartOf<Value> = Value extends readonly unknown[]
  ? Value
  : Value extends object
    ? { readonly [Key in keyof Value]?: PartOf<Value[Key]> }
    : Value;

/**
 * Finds a job that was added to a fake queue.
 *
 * @param data - what its data has to hold; fields that are not named may be anything, and a list
 *   has as many items as the expected one.
 * @param opts - what its options have to hold, likewise.
 * @returns the first such job.
 * @throws AssertionError that lists what was added, without secret fields.
 */
export function expectEnqueued<Contract extends QueueContract, Name extends JobNameOf<Contract>>(
  queue: FakeJobQueue<Contract>,
  name: Name,
  data?: PartOf<DataOf<Contract, Name>>,
  opts?: Partial<JobsOptions>,
): EnqueuedJob<Contract, Name> {
  const found = queue.enqueued.find(
    (job) => job.name === name && holds(job.data, data) && (opts === undefined || holds(job.opts, opts)),
  );
  if (found === undefined) {
    throw new AssertionError({
      message: `No job '${name}' was added${data === undefined ? '' : ' with such data'}. ${describe(queue)}`,
      stackStartFn: expectEnqueued,
    });
  }
  return found as EnqueuedJob<Contract, Name>;
}

/** Whether a value has all that is expected of it. */
function holds(value: unknown, expected: unknown): boolean {
  if (expected === undefined || Object.is(value, expected)) {
    return true;
  }
  if (typeof value !== 'object' || typeof expected !== 'object' || value === null || expected === null) {
    return false;
  }
  if (Array.isArray(expected)) {
    return (
      Array.isArray(value) &&
      value.length === expected.length &&
      expected.every((part, index) => holds(value[index], part))
    );
  }
  return Object.entries(expected).every(([key, part]) => holds((value as Record<string, unknown>)[key], part));
}

function describe({ contract, enqueued }: FakeJobQueue<QueueContract>): string {
  if (enqueued.length === 0) {
    return 'Nothing was added.';
  }
  const lines = enqueued.map(({ queueName, name, data }) => {
    const shown =
      queueName === contract.name ? JSON.stringify(redact(contract, name, 'data', data)) : `of '${queueName}'`;
    return `  ${name} ${shown}`;
  });
  return `These were:\n${lines.join('\n')}`;
}
