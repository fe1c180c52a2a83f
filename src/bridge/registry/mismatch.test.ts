import { expect, it } from 'vitest';
import type { Announcement } from './announcement.js';
import { mismatches } from './mismatch.js';

const announced = (jobs: Announcement['jobs']): Announcement => ({ who: 'web-1:4711', jobs });

it.each(['constructor', '__proto__', 'toString'])('does not take a job %s for one that the worker knows', (job) => {
  const producer = announced(Object.fromEntries([[job, { fingerprint: 'a', past: {} }]]));
  expect(mismatches('mail', producer, announced({}))).toMatchObject([
    { job, report: expect.stringContaining('consumers first') },
  ]);
  expect(mismatches('mail', producer, producer)).toEqual([]);
});
