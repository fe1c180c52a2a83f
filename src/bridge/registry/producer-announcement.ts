import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Announcement } from './announcement.js';
import { mismatches } from './mismatch.js';
import { ContractMismatchError } from './mismatch-error.js';
import { EXPIRY_MS, type Registry } from './registry.js';

/** Three renewals may get lost before others take a producer for dead. */
const RENEWAL_MS = EXPIRY_MS / 3;

/** Tells the workers of a queue which contract this process writes, until it is closed. */
export class ProducerAnnouncement {
  /** Settles when the producer is announced and live workers have been looked at. */
  readonly announced: Promise<void>;
  readonly #registry: Registry;
  readonly #queue: string;
  readonly #jobs: Announcement['jobs'];
  readonly #id = randomUUID();
  readonly #timer: NodeJS.Timeout;

  constructor(registry: Registry, queue: string, jobs: Announcement['jobs'], renewalMs = RENEWAL_MS) {
    this.#registry = registry;
    this.#queue = queue;
    this.#jobs = jobs;
    this.announced = this.#begin();
    // Whoever does not ask does not want to know.
    this.announced.catch(() => {});
    this.#timer = setInterval(() => this.#renew(), renewalMs);
    // A process that has nothing else to do may end.
    this.#timer.unref();
  }

  /** Takes the announcement back. Without a connection, it expires. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    if (this.#registry.isConnected) {
      await this.announced.catch(() => {});
      await this.#registry.withdraw('producer', this.#id);
    }
  }

  async #begin(): Promise<void> {
    // Announced first: of two who start at the same time, at least one sees the other.
    await this.#announce();
    const workers = await this.#registry.live('worker');
    const found = workers.flatMap((worker) => mismatches(this.#queue, this.#announcement, worker));
    if (found.length > 0) {
      throw new ContractMismatchError(this.#queue, found);
    }
  }

  #renew(): void {
    // Without a connection, commands would pile up in the client; the next renewal comes by itself.
    if (this.#registry.isConnected) {
      this.#announce().catch(() => {});
    }
  }

  #announce(): Promise<void> {
    return this.#registry.announce('producer', this.#id, this.#announcement);
  }

  get #announcement(): Announcement {
    return { who: `${hostname()}:${process.pid}`, jobs: this.#jobs };
  }
}
