import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { REDIS_URL, useRedis } from '../queue/redis.test-support.js';
import { ProducerAnnouncement } from './producer-announcement.js';
import { EXPIRY_MS, Registry } from './registry.js';

const JOBS = { send: { fingerprint: 'a', past: {} } };
const RENEWAL_MS = 5;

describe.skipIf(REDIS_URL === undefined)('ProducerAnnouncement', () => {
  const redis = useRedis();
  let registry: Registry;
  let announcement: ProducerAnnouncement;

  beforeAll(async () => {
    registry = new Registry(redis.connection, redis.prefix, 'mail');
    announcement = new ProducerAnnouncement(registry, 'mail', JOBS, RENEWAL_MS);
    await announcement.announced;
  });

  afterAll(() => announcement.close());

  const keys = () => redis.connection.keys(`bullmq-bridge:${redis.prefix}:*`);

  it('expires by itself, its list of ids too', async () => {
    const left = await Promise.all((await keys()).map((key) => redis.connection.pttl(key)));
    expect(left).toHaveLength(2);
    for (const ms of left) expect(ms).toSatisfy(() => ms > 0 && ms <= EXPIRY_MS);
  });

  it('is renewed, whatever has become of it', async () => {
    expect(await redis.connection.unlink(await keys())).toBe(2);
    await vi.waitFor(async () => expect(await registry.live('producer')).toMatchObject([{ jobs: JOBS }]));
  });

  it('is taken back when it is closed', async () => {
    await announcement.close();
    expect([await keys(), await registry.live('producer')]).toEqual([[], []]);
  });

  it('that has died is forgotten by who looks', async () => {
    const list = `bullmq-bridge:${redis.prefix}:mail:producers`;
    await redis.connection.sadd(list, 'dead');
    expect(await registry.live('producer')).toEqual([]);
    expect(await redis.connection.exists(list)).toBe(0);
  });
});
