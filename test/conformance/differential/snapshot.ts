import { pairs } from '../../support/event-stream.js';
import type { System } from '../../support/system.js';

/** What lies under one key, without what two runs of the same jobs cannot have in common. */
export interface Entry {
  readonly type: string;
  readonly expires: boolean;
  readonly value: unknown;
}

const TIME_FIELDS = new Set(['timestamp', 'processedOn', 'finishedOn']);
const JSON_FIELDS = new Set(['data', 'opts', 'parent', 'progress', 'returnvalue']);
/** The one field that the Python worker adds. */
const OWN_FIELD = 'bridgeFailure';
const TIME_SETS = /:(delayed|completed|failed|waiting-children|unsuccessful)$/;
const TIME = '(time)';

/**
 * The whole state of a system in Redis: key -> what lies there. Keys and values name the prefix as `PREFIX`.
 *
 * @param leftOut - ends of keys that are not looked at.
 */
export async function takeSnapshot(system: System, leftOut: readonly string[] = []): Promise<Record<string, Entry>> {
  const snapshot: Record<string, Entry> = {};
  for (const key of await system.keys()) {
    if (leftOut.some((suffix) => key.endsWith(`:${suffix}`))) continue;
    const type = await system.redis.type(key);
    if (type === 'none') continue;
    const entry = { type, expires: (await system.redis.pttl(key)) >= 0, value: await readValue(system, key, type) };
    // A key that expires while it is looked at is gone, and says nothing.
    if ((await system.redis.exists(key)) === 0) continue;
    snapshot[anonymous(key, system)] = entry;
  }
  return snapshot;
}

async function readValue(system: System, key: string, type: string): Promise<unknown> {
  const { redis } = system;
  const clean = (text: string) => anonymous(text, system);
  switch (type) {
    case 'string':
      return withoutTime(clean((await redis.get(key)) ?? ''));
    case 'list':
      return (await redis.lrange(key, 0, -1)).map(clean);
    case 'set':
      return (await redis.smembers(key)).map(clean).sort();
    case 'hash': {
      const fields = Object.entries(await redis.hgetall(key)).map(
        ([field, text]) => [clean(field), clean(text)] as const,
      );
      return fromHash(fields, key.endsWith(':processed'));
    }
    case 'zset': {
      const members = pairs(await redis.zrange(key, 0, -1, 'WITHSCORES'));
      return fromSortedSet(
        members.map(([member, score]) => [clean(member), score]),
        TIME_SETS.test(key),
      );
    }
    case 'stream':
      return (await redis.xrange(key, '-', '+')).map(([, flat]) => fromEvent(pairs(flat.map(clean))));
    default:
      throw new Error(`${key} is a ${type}, which BullMQ does not use`);
  }
}

function fromHash(fields: readonly (readonly [string, string])[], isAllJson: boolean): Record<string, unknown> {
  const values = fields
    .filter(([field]) => field !== OWN_FIELD)
    .map(([field, text]) => [field, isAllJson ? JSON.parse(text) : fromField(field, text)]);
  return Object.fromEntries(values);
}

function fromField(field: string, text: string): unknown {
  if (TIME_FIELDS.has(field)) return withoutTime(text);
  if (JSON_FIELDS.has(field)) return JSON.parse(text);
  if (field === 'stacktrace') return JSON.parse(text).map(() => '(stack trace)');
  return text;
}

function fromSortedSet(members: readonly [string, string][], byTime: boolean): [string, string][] {
  // Jobs of one millisecond are ordered by id and not by time; the events say who was first.
  if (byTime) return members.map(([member]): [string, string] => [member, TIME]).sort();
  return members.map(([member, score]) => [member, withoutTime(score)]);
}

function fromEvent(fields: readonly [string, string][]): Record<string, unknown> {
  const values = fields.map(([field, text]) => {
    if (field === 'delay') return [field, withoutTime(text)];
    return [field, field === 'data' || field === 'returnvalue' ? JSON.parse(text) : text];
  });
  return Object.fromEntries(values);
}

/** Hides what is a time of these days, in ms since the epoch, and only that. */
function withoutTime(text: string): string {
  const distance = Math.abs(Number(text) - Date.now());
  return distance < 86_400_000 ? TIME : text;
}

function anonymous(text: string, system: System): string {
  return text.replaceAll(system.prefix, 'PREFIX');
}
