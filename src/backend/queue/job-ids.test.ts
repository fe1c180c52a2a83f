import { describe, expect, it } from 'vitest';
import { aggregateJobId, fileJobId, parseJobId } from './job-ids.js';

const id = '0b9d9c0e-8f5b-4a57-9b52-0e2f7b1f9a11';

describe('job ids', () => {
  it('come from batch or document and the run', () => {
    expect(aggregateJobId(id, 2)).toBe(`batch-${id}-run-2`);
    expect(fileJobId(id, 2)).toBe(`file-${id}-run-2`);
    expect(fileJobId(id, 2, 'deadbeef')).toBe(`file-${id}-run-2-deadbeef`);
  });

  it('can be read back', () => {
    expect(parseJobId(aggregateJobId(id, 12))).toEqual({ batchId: id });
    expect(parseJobId(fileJobId(id, 12))).toEqual({ docId: id });
    expect(parseJobId(fileJobId(id, 12, 'deadbeef'))).toEqual({ docId: id });
  });

  it.each(['1', 'repeat:x:1', `file-${id}`, `batch-${id}-run-`, `other-${id}-run-1`])(
    'leaves %s alone: not ours',
    (jobId) => {
      expect(parseJobId(jobId)).toBeUndefined();
    },
  );
});
