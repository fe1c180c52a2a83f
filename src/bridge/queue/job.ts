import type { Job, JobsOptions } from 'bullmq';
import type { Priority } from '../contract/options.js';
import type { DataOf, JobNameOf, QueueContract, RawResultOf } from '../contract/queue.js';

/**
 * BullMQ's job with the types of a contract. Its `returnvalue` is the result as it lies in Redis; `waitUntilFinished` of
 * JobQueueEvents reads it through the schema.
 */
export type JobOf<Contract extends QueueContract, Name extends JobNameOf<Contract>> = Job<
  DataOf<Contract, Name>,
  RawResultOf<Contract, Name>,
  Name
>;

/** Any job of a contract; told apart by `name`. */
export type AnyJobOf<Contract extends QueueContract> = {
  [Name in JobNameOf<Contract>]: JobOf<Contract, Name>;
}[JobNameOf<Contract>];

/** BullMQ's job options for one call, with the priority by name. They win over the options of the contract. */
export type CallOptions = Omit<JobsOptions, 'priority' | 'repeatJobKey' | 'prevMillis'> & {
  readonly priority?: Priority;
};

/** One item of `addMany`. */
export interface Item<Contract extends QueueContract, Name extends JobNameOf<Contract>> {
  readonly name: Name;
  readonly data: DataOf<Contract, Name>;
  readonly opts?: CallOptions;
}

/** An item for any job of a contract. */
export type AnyItem<Contract extends QueueContract> = {
  [Name in JobNameOf<Contract>]: Item<Contract, Name>;
}[JobNameOf<Contract>];
