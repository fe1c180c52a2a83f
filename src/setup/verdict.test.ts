import { expect, test } from 'vitest';
import type { Batch, BatchFile } from './batch-api.mjs';
import { problemsOf } from './verdict.mjs';

function file(name: string, status: BatchFile['status'], reason: string | null = null): BatchFile {
  return { doc_id: name, name, status, reason };
}

const good = file('notes/a.txt', 'completed');
const corrupt = file('broken/a.docx', 'failed', 'not a Word document');
const encrypted = file('broken/b.pdf', 'failed', 'encrypted');

const report = { documents: [], totals: {}, fields: { dates: { first: null, last: null }, amounts: {}, emails: [] } };

function batch(files: BatchFile[], status = 'completed_with_errors'): Batch {
  return { id: 'b', status, reason: null, files, report };
}

test('good files completed and the two broken ones failed with a reason: as it should be', () => {
  expect(problemsOf(batch([corrupt, encrypted, good]))).toEqual([]);
});

test.each<[string, Batch, RegExp]>([
  ['another status', batch([corrupt, encrypted, good], 'completed'), /the batch is completed/],
  ['no report', { ...batch([corrupt, encrypted, good]), report: null }, /no report/],
  ['a good file that failed', batch([corrupt, encrypted, good, file('a', 'failed', 'x')]), /a is failed \(x\)/],
  ['a good file still pending', batch([corrupt, encrypted, good, file('a', 'pending')]), /a is pending/],
  ['a broken file that passed', batch([corrupt, { ...encrypted, status: 'completed' }, good]), /b\.pdf is completed/],
  ['a failure without reason', batch([corrupt, { ...encrypted, reason: null }, good]), /without a reason/],
  ['only one broken file', batch([corrupt, good]), /1 files in broken\//],
  ['no good file', batch([corrupt, encrypted]), /no readable file/],
])('%s is a problem', (_, given, problem) => {
  const problems = problemsOf(given);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(problem);
});
