import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { ContractDefinitionError } from '../index.js';
import { emittedJobs } from './emitted-jobs.js';

/** A schemas folder with one job, or with any other text in its contract.json. */
function folderWith(text?: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'bullmq-bridge-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const job = { data: 'any.json', result: 'any.json', fingerprint: 'a', options: {} };
  writeFileSync(join(folder, 'any.json'), '{}');
  writeFileSync(
    join(folder, 'contract.json'),
    text ?? JSON.stringify({ version: 1, queues: { mail: { jobs: { send: job } } } }),
  );
  return folder;
}

it('reads what emit wrote for the contract', () => {
  expect(emittedJobs(folderWith(), 'mail', new Map([['send', 'a']]))).toEqual({ send: { fingerprint: 'a', past: {} } });
});

it.each([
  ['another version', 'mail', 'send', 'b', /has another version of job 'send'. Run: npx bullmq-bridge emit/],
  ['another job', 'mail', 'remind', 'a', /lacks job 'remind'/],
  ['another queue', 'reports', 'send', 'a', /The queue 'reports' cannot announce its contract: .* lacks job 'send'/],
])('refuses a folder that was written for %s', (_, queue, job, fingerprint, message) => {
  const read = () => emittedJobs(folderWith(), queue, new Map([[job, fingerprint]]));
  expect(read).toThrow(ContractDefinitionError);
  expect(read).toThrow(message);
});

it('refuses a folder that is damaged, or not there', () => {
  const jobs = new Map([['send', 'a']]);
  expect(() => emittedJobs(folderWith('{'), 'mail', jobs)).toThrow(/cannot be read: SyntaxError/);
  expect(() => emittedJobs(join(tmpdir(), 'bullmq-bridge-none'), 'mail', jobs)).toThrow(/lacks job 'send'/);
});
