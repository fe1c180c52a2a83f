import type { FlowJob, FlowProducer, JobSchedulerTemplateOptions, JobsOptions, Queue, RepeatOptions } from 'bullmq';
import type { System } from '../support/system.js';
import type { PythonPublisher } from './publisher.js';
import { pythonFlow, pythonOptions, pythonSchedule } from './python-options.js';

/** A job of `addMany`. */
export interface BulkItem {
  readonly name: string;
  readonly data: unknown;
  readonly opts?: JobsOptions;
}

type Finished = 'completed' | 'failed';

/** What both languages can do with a queue, in the words of BullMQ. */
export interface Actor {
  add(name: string, data: unknown, opts?: JobsOptions): Promise<unknown>;
  addMany(items: readonly BulkItem[]): Promise<unknown>;
  addFlow(flow: FlowJob): Promise<unknown>;
  addFlows(flows: readonly FlowJob[]): Promise<unknown>;
  upsertScheduler(
    id: string,
    schedule: RepeatOptions,
    template?: { name?: string; data?: unknown; opts?: JobSchedulerTemplateOptions },
  ): Promise<unknown>;
  removeScheduler(id: string): Promise<unknown>;
  pause(): Promise<unknown>;
  resume(): Promise<unknown>;
  retry(id: string, state?: Finished, opts?: { made?: boolean; started?: boolean }): Promise<unknown>;
  retryJobs(state: Finished, count: number): Promise<unknown>;
  promote(id: string): Promise<unknown>;
  promoteJobs(count: number): Promise<unknown>;
  changeDelay(id: string, ms: number): Promise<unknown>;
  changePriority(id: string, priority: number, lifo?: boolean): Promise<unknown>;
  remove(id: string, removeChildren?: boolean): Promise<unknown>;
  drain(delayed: boolean): Promise<unknown>;
  clean(graceMs: number, limit: number, state: 'completed' | 'failed' | 'wait' | 'delayed'): Promise<unknown>;
  obliterate(count: number, force: boolean): Promise<unknown>;
  setGlobalConcurrency(concurrency: number): Promise<unknown>;
  setGlobalRateLimit(max: number, duration: number): Promise<unknown>;
  removeGlobalLimits(): Promise<unknown>;
  rateLimit(ms: number): Promise<unknown>;
  removeDeduplicationKey(id: string): Promise<unknown>;
}

/** BullMQ itself. */
export class NodeActor implements Actor {
  readonly #queue: Queue;
  readonly #flows: FlowProducer;

  constructor(queue: Queue, flows: FlowProducer) {
    this.#queue = queue;
    this.#flows = flows;
  }

  add = (name: string, data: unknown, opts?: JobsOptions) => this.#queue.add(name, data, opts);
  addMany = (items: readonly BulkItem[]) => this.#queue.addBulk([...items] as Parameters<Queue['addBulk']>[0]);
  addFlow = (flow: FlowJob) => this.#flows.add(flow);
  addFlows = (flows: readonly FlowJob[]) => this.#flows.addBulk([...flows]);
  upsertScheduler: Actor['upsertScheduler'] = (id, schedule, template) =>
    this.#queue.upsertJobScheduler(id, { ...schedule }, template);
  removeScheduler = (id: string) => this.#queue.removeJobScheduler(id);
  pause = () => this.#queue.pause();
  resume = () => this.#queue.resume();
  retry: Actor['retry'] = async (id, state = 'failed', { made = false, started = false } = {}) =>
    (await this.#job(id)).retry(state, { resetAttemptsMade: made, resetAttemptsStarted: started });
  retryJobs = (state: Finished, count: number) => this.#queue.retryJobs({ state, count });
  promote = async (id: string) => (await this.#job(id)).promote();
  promoteJobs = (count: number) => this.#queue.promoteJobs({ count });
  changeDelay = async (id: string, ms: number) => (await this.#job(id)).changeDelay(ms);
  changePriority: Actor['changePriority'] = async (id, priority, lifo = false) =>
    (await this.#job(id)).changePriority({ priority, lifo });
  remove = (id: string, removeChildren = true) => this.#queue.remove(id, { removeChildren });
  drain = (delayed: boolean) => this.#queue.drain(delayed);
  clean: Actor['clean'] = (graceMs, limit, state) => this.#queue.clean(graceMs, limit, state);
  obliterate = (count: number, force: boolean) => this.#queue.obliterate({ count, force });
  setGlobalConcurrency = (concurrency: number) => this.#queue.setGlobalConcurrency(concurrency);
  setGlobalRateLimit = (max: number, duration: number) => this.#queue.setGlobalRateLimit(max, duration);
  removeGlobalLimits = async () => {
    await this.#queue.removeGlobalConcurrency();
    await this.#queue.removeGlobalRateLimit();
  };
  rateLimit = (ms: number) => this.#queue.rateLimit(ms);
  removeDeduplicationKey = (id: string) => this.#queue.removeDeduplicationKey(id);

  async #job(id: string) {
    const job = await this.#queue.getJob(id);
    if (job === undefined) throw new Error(`There is no job ${id}`);
    return job;
  }
}

/** The Python library, in one of its forms. */
export class PythonActor implements Actor {
  readonly #publisher: PythonPublisher;
  readonly #queue: string;
  readonly #settings: Readonly<Record<string, unknown>>;

  constructor(publisher: PythonPublisher, queue: string, system: System, contract?: string) {
    this.#publisher = publisher;
    this.#queue = queue;
    this.#settings = { redis_url: system.url, prefix: system.prefix, ...(contract && { contract }) };
  }

  add = (name: string, data: unknown, opts?: JobsOptions) => this.#call('add', [name, data], pythonOptions(opts));
  addMany = (items: readonly BulkItem[]) =>
    this.#call('add_many', [
      items.map(({ name, data, opts }) => ({ $item: { name, data, options: pythonOptions(opts) } })),
    ]);
  addFlow = (flow: FlowJob) => this.#call('add', [pythonFlow(flow)], {}, 'Flow');
  addFlows = (flows: readonly FlowJob[]) => this.#call('add_many', [flows.map(pythonFlow)], {}, 'Flow');
  upsertScheduler: Actor['upsertScheduler'] = (id, schedule, { name, data, opts } = {}) =>
    this.#call(
      'upsert_job_scheduler',
      [id, pythonSchedule(schedule), name ?? null, data ?? null],
      pythonOptions(opts as JobsOptions),
    );
  removeScheduler = (id: string) => this.#call('remove_job_scheduler', [id]);
  pause = () => this.#call('pause');
  resume = () => this.#call('resume');
  retry: Actor['retry'] = (id, state = 'failed', { made = false, started = false } = {}) =>
    this.#call('retry', [id, state], { reset_attempts_made: made, reset_attempts_started: started });
  retryJobs = (state: Finished, count: number) => this.#call('retry_jobs', [state], { count });
  promote = (id: string) => this.#call('promote', [id]);
  promoteJobs = (count: number) => this.#call('promote_jobs', [], { count });
  changeDelay = (id: string, ms: number) => this.#call('change_delay', [id, ms]);
  changePriority: Actor['changePriority'] = (id, priority, lifo = false) =>
    this.#call('change_priority', [id, priority], { lifo });
  remove = (id: string, removeChildren = true) => this.#call('remove', [id], { remove_children: removeChildren });
  drain = (delayed: boolean) => this.#call('drain', [], { delayed });
  clean: Actor['clean'] = (graceMs, limit, state) =>
    this.#call('clean', [graceMs, limit, state === 'wait' ? 'waiting' : state]);
  obliterate = (count: number, force: boolean) => this.#call('obliterate', [], { count, force });
  setGlobalConcurrency = (concurrency: number) => this.#call('set_global_concurrency', [concurrency]);
  setGlobalRateLimit = (max: number, duration: number) => this.#call('set_global_rate_limit', [max, duration]);
  removeGlobalLimits = async () => {
    await this.#call('remove_global_concurrency');
    await this.#call('remove_global_rate_limit');
  };
  rateLimit = (ms: number) => this.#call('rate_limit', [ms]);
  removeDeduplicationKey = (id: string) => this.#call('remove_deduplication_key', [id]);

  #call(
    method: string,
    args: readonly unknown[] = [],
    kwargs: Readonly<Record<string, unknown>> = {},
    kind: 'Queue' | 'Flow' = 'Queue',
  ): Promise<unknown> {
    return this.#publisher.call({ kind, name: this.#queue, settings: this.#settings, method, args, kwargs });
  }
}
