import type { Connection } from '../queue/connection.js';
import type { Announcement } from './announcement.js';

/** Who announces itself. */
export type Side = 'producer' | 'worker';

/** How long an announcement stands if nobody renews it, in milliseconds. The Python side has the same. */
export const EXPIRY_MS = 30_000;

/**
 * The producers and workers of one queue that have announced themselves and live.
 *
 * Its keys do not begin with BullMQ's prefix, so that nothing of BullMQ sees or removes them: `<base>:<side>:<id>` holds
 * one announcement, `<base>:<side>s` the ids of all, some of which may be dead. The base ends with BullMQ's prefix and the
 * queue's name: in a cluster they lie where the hash tag in the prefix puts the queue.
 */
export class Registry {
  readonly #connection: Connection;
  readonly #base: string;

  constructor(connection: Connection, prefix: string, queue: string) {
    this.#connection = connection;
    this.#base = `bullmq-bridge:${prefix}:${queue}`;
  }

  /** Whether Redis can be told something now. */
  get isConnected(): boolean {
    return this.#connection.status === 'ready';
  }

  /** Announces somebody, or renews it. */
  async announce(side: Side, id: string, announcement: Announcement): Promise<void> {
    await Promise.all([
      this.#connection.set(this.#entry(side, id), JSON.stringify(announcement), 'PX', EXPIRY_MS),
      this.#connection.sadd(this.#ids(side), id),
      this.#connection.pexpire(this.#ids(side), EXPIRY_MS),
    ]);
  }

  /** Takes an announcement back. */
  async withdraw(side: Side, id: string): Promise<void> {
    await Promise.all([this.#connection.del(this.#entry(side, id)), this.#connection.srem(this.#ids(side), id)]);
  }

  /** Those who live now. */
  async live(side: Side): Promise<Announcement[]> {
    const ids = await this.#connection.smembers(this.#ids(side));
    if (ids.length === 0) {
      return [];
    }
    const texts = await this.#connection.mget(ids.map((id) => this.#entry(side, id)));
    const dead = ids.filter((_id, index) => texts[index] === null);
    if (dead.length > 0) {
      await this.#connection.srem(this.#ids(side), dead);
    }
    return texts.flatMap((text) => (text === null ? [] : [JSON.parse(text) as Announcement]));
  }

  #ids(side: Side): string {
    return `${this.#base}:${side}s`;
  }

  #entry(side: Side, id: string): string {
    return `${this.#base}:${side}:${id}`;
  }
}
