import { cpuBoundScaling } from './computing.js';
import { type Drained, drain, ratio } from './drain.js';
import type { Ground } from './ground.js';
import { delayedLateness, type Latency, pickup } from './latency.js';
import { memory } from './memory.js';
import { publishing } from './publishing.js';
import { validation } from './validation.js';

/** All figures of one run. */
export interface Figures {
  readonly ratios: Readonly<Record<string, number>>;
  /** Of the ratios that are latencies: ms above Node's. */
  readonly differencesMs: Readonly<Record<string, number>>;
  /** Jobs a second by slots and contestant, for the picture. */
  readonly drained: Readonly<Record<string, Readonly<Record<string, Drained>>>>;
}

/** Runs every scenario. */
export async function measure(ground: Ground): Promise<Figures> {
  const one = await drain(ground, ['node', 'official', 'async'], 1);
  const four = await drain(ground, ['node', 'process'], 4);
  const ten = await drain(ground, ['node', 'official', 'async', 'thread'], 10);
  const hundred = await drain(ground, ['node', 'official', 'async'], 100);
  const scaling = await cpuBoundScaling(ground);
  const picked = await pickup(ground);
  const late = await delayedLateness(ground);
  const published = await publishing(ground);
  const { worker, child } = await memory(ground);
  const validated = await validation(ground);
  const speed = (drained: Record<string, Drained>, kind: string, over: string) =>
    ratio(of(drained, kind), of(drained, over), 'jobsPerSecond');
  const cpu = (drained: Record<string, Drained>) => ratio(of(drained, 'async'), of(drained, 'node'), 'cpuUsPerJob');
  const [nodePickup, ourPickup] = [of(picked, 'node'), of(picked, 'async')] as [Latency, Latency];
  const [nodeLate, ourLate] = [of(late, 'node'), of(late, 'async')] as [Latency, Latency];
  return {
    ratios: {
      drain_c1_vs_node: speed(one, 'async', 'node'),
      drain_c10_vs_node: speed(ten, 'async', 'node'),
      drain_c100_vs_node: speed(hundred, 'async', 'node'),
      drain_c10_vs_official: speed(ten, 'async', 'official'),
      drain_c100_vs_official: speed(hundred, 'async', 'official'),
      redis_busy_c100: of(hundred, 'async').redisBusy,
      cpu_c10_vs_node: cpu(ten),
      cpu_c100_vs_node: cpu(hundred),
      process_c4_vs_node_c4: speed(four, 'process', 'node'),
      thread_c10_vs_node_c10: speed(ten, 'thread', 'node'),
      cpu_bound_scaling: scaling,
      pickup_p50_vs_node: ourPickup.p50 / nodePickup.p50,
      pickup_p99_vs_node: ourPickup.p99 / nodePickup.p99,
      delayed_lateness_p99_vs_node: ourLate.p99 / nodeLate.p99,
      add_vs_bullmq: published.add,
      add_many_vs_bullmq: published.addMany,
      flow_10k_vs_bullmq: published.flow,
      rss_worker_mb: worker,
      rss_child_mb: child,
      validate_py_us: validated.python,
      validate_ts_us: validated.typescript,
    },
    differencesMs: {
      pickup_p50_vs_node: ourPickup.p50 - nodePickup.p50,
      pickup_p99_vs_node: ourPickup.p99 - nodePickup.p99,
      delayed_lateness_p99_vs_node: ourLate.p99 - nodeLate.p99,
    },
    drained: { '1': one, '4': four, '10': ten, '100': hundred },
  };
}

function of<Value>(by: Readonly<Record<string, Value>>, kind: string): Value {
  const value = by[kind];
  if (value === undefined) throw new Error(`nothing was measured of ${kind}`);
  return value;
}
