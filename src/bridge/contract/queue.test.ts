import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { ContractDefinitionError } from './error.js';
import type { ContractOptions } from './options.js';
import { defineQueue, isQueueContract, job } from './queue.js';

const payloads = { data: z.object({ id: z.string() }), result: z.null() };

describe('defineQueue', () => {
  it('gives every job a priority, and never 0', () => {
    const queue = defineQueue('mail', {
      plain: job(payloads),
      urgent: job({ ...payloads, options: { priority: 'high' } }),
      idle: job({ ...payloads, options: { priority: 'low' } }),
      exact: job({ ...payloads, options: { priority: 7 } }),
    });
    expect(Object.entries(queue.jobs).map(([name, { options }]) => [name, options.priority])).toEqual([
      ['plain', 10],
      ['urgent', 1],
      ['idle', 100],
      ['exact', 7],
    ]);
  });

  it('recognises its contracts and nothing else', () => {
    expect(isQueueContract(defineQueue('mail', { send: job(payloads) }))).toBe(true);
    expect(isQueueContract({ name: 'mail', jobs: {} })).toBe(false);
    expect(isQueueContract(null)).toBe(false);
  });

  it.each([
    ['', /needs a name/],
    ['a:b', /separates the parts/],
    ['history', /reserved/],
  ])('refuses the queue name %j', (name, reason) => {
    expect(() => defineQueue(name, { send: job(payloads) })).toThrow(ContractDefinitionError);
    expect(() => defineQueue(name, { send: job(payloads) })).toThrow(reason);
  });

  it('refuses a queue without jobs and a job without a name', () => {
    expect(() => defineQueue('mail', {})).toThrow(/no jobs/);
    expect(() => defineQueue('mail', { '': job(payloads) })).toThrow(/empty name/);
  });

  it('refuses what is no schema', () => {
    const half = { data: z.object({}) } as unknown as typeof payloads;
    expect(() => defineQueue('mail', { send: job(half) })).toThrow(/'send' of queue 'mail' needs two zod schemas/);
  });

  it.each<[string, ContractOptions]>([
    ['attempts', { attempts: 0 }],
    ['attempts', { attempts: 1.5 }],
    ['backoff', { backoff: -1 }],
    ['backoff', { backoff: { type: '' } }],
    ['backoff', { backoff: { type: 'fixed', delay: -1 } }],
    ['backoff', { backoff: { type: 'fixed', delay: 1, jitter: 2 } }],
    ['priority', { priority: 0 }],
    ['priority', { priority: 2 ** 21 }],
    ['priority', { priority: 'urgent' as 'high' }],
    ['priority', { priority: 'toString' as 'high' }],
    ['delay', { delay: Number.NaN }],
    ['removeOnComplete', { removeOnComplete: -1 }],
    ['removeOnFail', { removeOnFail: {} as { count: number } }],
    ['removeOnFail', { removeOnFail: { cuont: 1 } as unknown as { count: number } }],
    ['keepLogs', { keepLogs: 1.5 }],
    ['stackTraceLimit', { stackTraceLimit: -1 }],
    ['jobId', { jobId: 'x' } as ContractOptions],
    ['constructor', JSON.parse('{"constructor":1}') as ContractOptions],
  ])('refuses a bad %s when the queue is defined, naming job and queue', (option, options) => {
    const define = () => defineQueue('mail', { send: job({ ...payloads, options }) });
    expect(define).toThrow(ContractDefinitionError);
    expect(define).toThrow(`Job 'send' of queue 'mail'`);
    expect(define).toThrow(`'${option}'`);
  });

  it('accepts every documented form of an option', () => {
    const options: ContractOptions = {
      attempts: 3,
      backoff: { type: 'exponential', delay: 2_000, jitter: 0.5 },
      priority: 'normal',
      delay: 0,
      removeOnComplete: { age: 3_600, count: 100, limit: 10 },
      removeOnFail: true,
      keepLogs: 50,
      stackTraceLimit: 10,
    };
    expect(defineQueue('mail', { send: job({ ...payloads, options }) }).jobs.send.options).toEqual({
      ...options,
      priority: 10,
    });
  });

  it('leaves out options that are undefined', () => {
    const queue = defineQueue('mail', { send: job({ ...payloads, options: { attempts: undefined } }) });
    expect(queue.jobs.send.options).toEqual({ priority: 10 });
  });
});
