import { describe, expect, it } from 'vitest';
import { apiFixture, call } from '../testing/api.js';

const answers = async () => {};

describe('GET /healthz', () => {
  it('is well when everything answers', async () => {
    const { baseUrl } = await apiFixture({ checks: { database: answers, redis: answers } });
    expect(await call(baseUrl, 'GET', '/healthz')).toEqual({
      status: 200,
      body: { status: 'ok', mode: 'queue', database: 'ok', redis: 'ok' },
    });
  });

  it.each([
    ['refuses', () => Promise.reject(new Error('refused'))],
    ['does not answer', () => new Promise(() => {})],
  ])('says so when Redis %s', async (_what, check) => {
    const { baseUrl } = await apiFixture({ checks: { database: answers, redis: check } });
    expect(await call(baseUrl, 'GET', '/healthz')).toEqual({
      status: 503,
      body: { status: 'unavailable', mode: 'queue', database: 'ok', redis: 'unreachable' },
    });
  });
});

describe('GET /api/queue/stats', () => {
  it('shows the stats', async () => {
    const { baseUrl } = await apiFixture({ readStats: async () => ({ paused: false }) });
    expect(await call(baseUrl, 'GET', '/api/queue/stats')).toEqual({ status: 200, body: { paused: false } });
  });

  it('is unavailable while Redis is', async () => {
    const { baseUrl } = await apiFixture({ readStats: () => Promise.reject(new Error('connect ECONNREFUSED')) });
    expect(await call(baseUrl, 'GET', '/api/queue/stats')).toEqual({
      status: 503,
      body: { error: 'The queue cannot be reached' },
    });
  });
});
