import { describe, expect, it } from 'vitest';
import { parseFailure, readFailure } from './failure.js';
import { REDIS_URL, useRedis } from './redis.test-support.js';

const record = { kind: 'raised', type: 'ValueError', message: 'bad page', attempt: 2, traceback: 'Traceback …' };
const fields = { record: JSON.stringify(record), failedReason: 'bad page', attemptsMade: '2' };

describe('parseFailure', () => {
  it('gives the record of the attempt that failed last', () => {
    expect(parseFailure(fields)).toEqual(record);
  });

  it('keeps the paths of a contract violation', () => {
    const violation = { ...record, kind: 'contract_violation', paths: ['/doc_id'] };
    expect(parseFailure({ ...fields, record: JSON.stringify(violation) })?.paths).toEqual(['/doc_id']);
  });

  it.each<[string, Partial<typeof fields>]>([
    ['the job has been retried and has failed otherwise', { failedReason: 'something else' }],
    ['the job has been retried and has failed again alike', { attemptsMade: '3' }],
    ['the job has been retried and has not failed', { failedReason: null as never }],
    ['there is no record', { record: null as never }],
    ['the record is no JSON', { record: '{' }],
    ['the record lacks a field', { record: JSON.stringify({ ...record, kind: undefined }) }],
    ['the record is of a kind that is not known', { record: JSON.stringify({ ...record, kind: 'bored' }) }],
  ])('gives nothing when %s', (_, changed) => {
    expect(parseFailure({ ...fields, ...changed })).toBeUndefined();
  });
});

describe.skipIf(REDIS_URL === undefined)('readFailure on Redis', () => {
  const redis = useRedis();

  it('reads the record beside the fields of BullMQ', async () => {
    const queueQualifiedName = `${redis.prefix}:mail`;
    await redis.connection.hset(`${queueQualifiedName}:7`, {
      bridgeFailure: fields.record,
      failedReason: fields.failedReason,
      atm: fields.attemptsMade,
    });
    expect(await readFailure(redis.connection, { id: '7', queueQualifiedName })).toEqual(record);
    expect(await readFailure(redis.connection, { id: '8', queueQualifiedName })).toBeUndefined();
  });
});
