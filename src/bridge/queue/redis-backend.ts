import * as bullmq from 'bullmq';

/**
 * BullMQ's Redis backend, by name: a default that was changed to another database would be out of Python's reach.
 * Undefined in BullMQ 5, which has no other; an import of the name alone would not even load there.
 */
export const redisBackend = bullmq.createRedisBackend;
