import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Batch } from '../database/schema.js';
import { batchFixture } from '../testing/batches.js';
import { Lease, LeaseLost } from './lease.js';

async function leaseFor(durationMs: number) {
  const fixture = await batchFixture();
  const id = await fixture.addBatch({ 'a.txt': 'a' });
  const batch = (await fixture.batches.start(id)) as Batch;
  const lease = new Lease(fixture.batches, batch, durationMs);
  onTestFinished(() => lease.release());
  return { ...fixture, id, batch, lease };
}

describe('Lease', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is renewed while it is held', async () => {
    const { lease, read, id, batch } = await leaseFor(60);
    await vi.waitFor(async () => expect((await read(id)).updated_at).toBeGreaterThan(batch.updated_at + 60));
    expect(lease.signal.aborted).toBe(false);
  });

  it('is not renewed after it was released', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { lease, batches } = await leaseFor(30);
    expect(vi.getTimerCount()).toBe(1);
    lease.release();
    await lease.write((held) => batches.touch(held));
    expect(vi.getTimerCount()).toBe(0);
  });

  it('lets its holder write, and refuses when someone else has taken over', async () => {
    const { lease, batches, read, id } = await leaseFor(60_000);
    await lease.write((held) => batches.touch(held));
    await batches.touch(await read(id));
    await expect(lease.write((held) => batches.touch(held))).rejects.toThrow(LeaseLost);
    expect(lease.signal.aborted).toBe(true);
    await expect(lease.settle('failed', 'mine')).rejects.toThrow(LeaseLost);
    expect(await read(id)).toMatchObject({ status: 'processing', reason: null });
  });

  it('notices by itself that someone else has taken over', async () => {
    const { lease, batches, read, id } = await leaseFor(60);
    await vi.waitFor(async () => expect(await batches.touch(await read(id))).toBeDefined());
    await vi.waitFor(() => expect(lease.signal.aborted).toBe(true));
  });

  it('never renews while its holder writes', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { lease, batches } = await leaseFor(30);
    const touch = vi.spyOn(batches, 'touch');
    await lease.write(async (held) => {
      await vi.advanceTimersByTimeAsync(1_000);
      expect(touch).not.toHaveBeenCalled();
      return batches.touch(held);
    });
    await lease.write((held) => batches.touch(held));
    expect(touch.mock.calls.length).toBeGreaterThan(2);
    expect(lease.signal.aborted).toBe(false);
  });

  it('survives a database that is away for less than its duration, and ends when it stays away', async () => {
    const { lease, batches } = await leaseFor(600);
    const touch = vi.spyOn(batches, 'touch').mockRejectedValueOnce(new Error('connection lost'));
    await vi.waitFor(() => expect(touch.mock.calls.length).toBeGreaterThan(2), 5_000);
    expect(lease.signal.aborted).toBe(false);
    touch.mockRejectedValue(new Error('connection lost'));
    await vi.waitFor(() => expect(lease.signal.aborted).toBe(true), 5_000);
  });
});
