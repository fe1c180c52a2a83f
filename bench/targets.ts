/** What a figure must reach: at least, or at most. */
export interface Target {
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly means: string;
}

/** The keys of `--json`, in the order of the table. */
export const TARGETS: Readonly<Record<string, Target>> = {
  drain_c1_vs_node: { atLeast: 1.1, means: "jobs/s over Node's Worker, 1 slot, coroutines that do nothing" },
  drain_c10_vs_node: { atLeast: 1.05, means: '… 10 slots' },
  drain_c100_vs_node: { atLeast: 1.2, means: '… 100 slots' },
  drain_c10_vs_official: { atLeast: 4, means: 'jobs/s over the official Python package, 10 slots' },
  drain_c100_vs_official: { atLeast: 4, means: '… 100 slots' },
  redis_busy_c100: { atLeast: 0.88, means: "Redis' time in scripts over wall time, 100 slots" },
  cpu_c10_vs_node: { atMost: 0.5, means: "the worker's CPU a job over that of Node's, 10 slots" },
  cpu_c100_vs_node: { atMost: 0.5, means: '… 100 slots' },
  process_c4_vs_node_c4: { atLeast: 0.9, means: "jobs/s in four process slots over Node's Worker with 4" },
  thread_c10_vs_node_c10: { atLeast: 0.8, means: "jobs/s in ten threads over Node's Worker with 10" },
  cpu_bound_scaling: { atLeast: 1.8, means: 'two process slots over one, 20 ms of pure Python a job' },
  pickup_p50_vs_node: { atMost: 1.1, means: 'from add to start on an idle worker, median' },
  pickup_p99_vs_node: { atMost: 1.2, means: '… 99th percentile' },
  delayed_lateness_p99_vs_node: { atMost: 1.1, means: 'how late a delayed job starts, 99th percentile' },
  add_vs_bullmq: { atLeast: 0.95, means: 'our typed add over Queue.add' },
  add_many_vs_bullmq: { atLeast: 0.95, means: '… over Queue.addBulk' },
  flow_10k_vs_bullmq: { atLeast: 0.95, means: 'a flow of 10,000 children over FlowProducer.add' },
  rss_worker_mb: { atMost: 48, means: 'MiB of a worker with coroutines, idle after its jobs' },
  rss_child_mb: { atMost: 25, means: 'MiB of a process slot above a bare Python' },
  validate_py_us: { atMost: 15, means: 'µs to decode data and encode a result of 400 bytes each, checked, in Python' },
  validate_ts_us: { atMost: 10, means: '… to admit data and read a result in TypeScript' },
};

/** Latencies within this of Node's are as good as Node's, whatever the ratio. */
export const SAME_WITHIN_MS = 1;

/** Whether a figure reaches its target. `differenceMs`: a latency's distance to Node's. */
export function reaches(key: string, value: number, differenceMs?: number): boolean {
  const target = TARGETS[key];
  if (target === undefined) throw new Error(`there is no target for ${key}`);
  if (differenceMs !== undefined && differenceMs <= SAME_WITHIN_MS) return true;
  return value >= (target.atLeast ?? Number.NEGATIVE_INFINITY) && value <= (target.atMost ?? Number.POSITIVE_INFINITY);
}
