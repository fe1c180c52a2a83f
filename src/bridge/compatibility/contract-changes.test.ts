import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { defineQueue, job } from '../contract/queue.js';
import { wireJobs } from '../contract/wire.js';
import { type Contracts, contractChanges, type PastVersion } from './contract-changes.js';

/** Contracts by queue, each job given as the schema of its data. */
function contracts(queues: Record<string, Record<string, z.ZodType>>): Contracts {
  return new Map(
    Object.entries(queues).map(([queue, jobs]) => {
      const defined = Object.entries(jobs).map(([name, data]) => [name, job({ data, result: z.null() })]);
      return [queue, wireJobs(defineQueue(queue, Object.fromEntries(defined)))];
    }),
  );
}

function past(data: z.ZodType): PastVersion {
  const version = contracts({ mail: { send: data } })
    .get('mail')
    ?.get('send');
  return { queue: 'mail', job: 'send', ...(version as Omit<PastVersion, 'queue' | 'job'>) };
}

const mail = (data: z.ZodType) => contracts({ mail: { send: data } });
const plain = z.object({ to: z.string() });

describe('contractChanges', () => {
  it('says nothing of jobs that are what they were', () => {
    expect(contractChanges(mail(plain), mail(plain))).toEqual([]);
  });

  it.each<[string, Contracts, Contracts, object]>([
    [
      'a queue has come',
      contracts({}),
      mail(plain),
      { queue: 'mail', verdict: 'any order', changes: [{ rule: 'queue-added' }] },
    ],
    [
      'a queue has gone',
      mail(plain),
      contracts({}),
      { queue: 'mail', verdict: 'producers first and drain', changes: [{ rule: 'queue-removed' }] },
    ],
    [
      'a job has come',
      mail(plain),
      contracts({ mail: { send: plain, ping: plain } }),
      { job: 'ping', verdict: 'consumers first', changes: [{ rule: 'job-added' }] },
    ],
    [
      'a job has gone',
      contracts({ mail: { send: plain, ping: plain } }),
      mail(plain),
      { job: 'ping', verdict: 'producers first and drain', changes: [{ rule: 'job-removed' }] },
    ],
    [
      'a job has changed',
      mail(plain),
      mail(z.object({ to: z.email() })),
      {
        job: 'send',
        verdict: 'producers first and drain',
        changes: [{ rule: 'pattern-added', payload: 'data', pointer: '/properties/to' }],
      },
    ],
  ])('tells that %s', (_, older, newer, expected) => {
    const reports = contractChanges(older, newer);
    expect(reports).toMatchObject([expected]);
  });

  it('compares with every earlier version that may have left jobs', () => {
    const first = past(z.object({ to: z.string(), kind: z.enum(['a', 'b', 'c']) }));
    const running = mail(z.object({ to: z.string(), kind: z.enum(['a', 'b', 'c']), note: z.string().optional() }));
    const next = mail(z.object({ to: z.string(), note: z.string().optional(), kind: z.enum(['a', 'b', 'c', 'd']) }));
    expect(contractChanges(running, next, [first]).map(({ since }) => since)).toEqual([undefined]);

    const narrower = mail(z.object({ to: z.string().min(1), kind: z.enum(['a', 'b']), note: z.string().optional() }));
    const noKind = past(z.object({ to: z.string(), kind: z.enum(['a', 'b', 'c']).optional() }));
    expect(contractChanges(running, narrower, [noKind]).map(({ since }) => since)).toEqual([undefined]);
  });

  it('says nothing of an earlier version that the running one could not read either', () => {
    const first = past(z.object({ to: z.string().nullable() }));
    const next = mail(z.object({ to: z.string(), cc: z.string().optional() }));
    expect(contractChanges(mail(plain), next, [first])).toMatchObject([{ changes: [{ rule: 'property-added' }] }]);
  });

  it('finds what only an earlier version has left', () => {
    const first = past(z.object({ to: z.string(), copies: z.string().optional() }));
    const next = mail(z.object({ to: z.string(), copies: z.int().optional() }));
    expect(contractChanges(mail(plain), next, [first])).toMatchObject([
      {
        verdict: 'breaking',
        changes: [
          { rule: 'name-reused', pointer: '/properties/copies', verdict: 'breaking' },
          { rule: 'property-added', verdict: 'any order' },
        ],
      },
      {
        since: first.fingerprint,
        changes: [{ rule: 'type-narrowed', pointer: '/properties/copies', verdict: 'producers first and drain' }],
      },
    ]);
  });

  it('lets a property come back that means what it meant', () => {
    const first = past(z.object({ to: z.string(), copies: z.int().optional() }));
    const next = mail(z.object({ to: z.string(), copies: z.int().optional() }));
    expect(contractChanges(mail(plain), next, [first])).toMatchObject([{ verdict: 'any order' }]);
  });

  it('keeps the names of jobs that are gone', () => {
    const running = contracts({ mail: { ping: plain } });
    const next = contracts({ mail: { ping: plain, send: z.object({ other: z.int() }) } });
    expect(contractChanges(running, next, [past(plain)])).toMatchObject([
      { job: 'send', verdict: 'breaking', changes: [{ rule: 'name-reused' }, { rule: 'job-added' }] },
    ]);
  });
});
