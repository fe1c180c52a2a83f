import type { FlowJob, JobsOptions, RepeatOptions } from 'bullmq';

type Names = Readonly<Record<string, string | readonly [name: string, parts: Names]>>;

/** What Python calls the options of a job. */
const OPTIONS: Names = {
  jobId: 'job_id',
  delay: 'delay_ms',
  priority: 'priority',
  attempts: 'attempts',
  backoff: ['backoff', { type: 'type', delay: 'delay_ms', jitter: 'jitter' }],
  removeOnComplete: ['remove_on_complete', { count: 'count', age: 'age_s', limit: 'limit' }],
  removeOnFail: ['remove_on_fail', { count: 'count', age: 'age_s', limit: 'limit' }],
  lifo: 'lifo',
  deduplication: [
    'deduplication',
    { id: 'id', ttl: 'ttl_ms', extend: 'extend', replace: 'replace', keepLastIfActive: 'keep_last_if_active' },
  ],
  keepLogs: 'keep_logs',
  stackTraceLimit: 'stack_trace_limit',
  sizeLimit: 'size_limit_bytes',
  timestamp: 'timestamp_ms',
  parent: ['parent', { id: 'id', queue: 'queue' }],
  failParentOnFailure: 'fail_parent_on_failure',
  continueParentOnFailure: 'continue_parent_on_failure',
  ignoreDependencyOnFailure: 'ignore_dependency_on_failure',
  removeDependencyOnFailure: 'remove_dependency_on_failure',
  telemetry: ['telemetry', { metadata: 'metadata', omitContext: 'omit_context' }],
};

const SCHEDULE: Names = {
  every: 'every_ms',
  pattern: 'pattern',
  tz: 'tz',
  offset: 'offset_ms',
  limit: 'limit',
  startDate: 'start',
  endDate: 'end',
  immediately: 'immediately',
};

/** Options of a job as Python takes them. */
export function pythonOptions(options: JobsOptions | undefined): Record<string, unknown> {
  return rename(options ?? {}, OPTIONS);
}

/** A schedule as Python takes it. */
export function pythonSchedule(schedule: RepeatOptions): unknown {
  return { $schedule: rename(schedule, SCHEDULE) };
}

/** A flow as Python takes it. */
export function pythonFlow({ name, data, opts, queueName, children = [] }: FlowJob): unknown {
  return {
    $flow: {
      name,
      data: data ?? {},
      queue: queueName,
      options: pythonOptions(opts),
      children: children.map(pythonFlow),
    },
  };
}

function rename(given: object, names: Names): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(given).map(([key, value]) => {
      const known = names[key];
      if (known === undefined) throw new Error(`There is no Python name for '${key}'`);
      const [name, parts] = typeof known === 'string' ? [known, undefined] : known;
      return [name, parts && typeof value === 'object' && value !== null ? rename(value, parts) : value];
    }),
  );
}
