import type { Cluster, Redis } from 'ioredis';

/** The user's own ioredis connection: to one server, to Sentinel, or to a cluster. */
export type Connection = Redis | Cluster;

/**
 * Refuses what is no ioredis connection.
 *
 * @throws TypeError that says how to make one.
 */
export function requireConnection(connection: Connection | undefined, owner: string): void {
  if (typeof connection?.defineCommand !== 'function' || typeof connection.duplicate !== 'function') {
    throw new TypeError(`${owner} needs your ioredis connection: { connection: new Redis(url) }.`);
  }
}

/**
 * Settings for a connection that blocks, which BullMQ then opens. It demands endless retries of a connection that it
 * blocks on, and refuses one with ioredis' default of 20. The connection returned is never opened itself.
 */
export function forBlocking(connection: Connection): Connection {
  const endless = { maxRetriesPerRequest: null };
  if (connection.isCluster) {
    const cluster = connection as Cluster;
    return cluster.duplicate([], {
      lazyConnect: true,
      redisOptions: { ...cluster.options.redisOptions, ...endless },
    });
  }
  return (connection as Redis).duplicate({ ...endless, lazyConnect: true });
}
