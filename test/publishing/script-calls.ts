import { createHash } from 'node:crypto';
import { unpack } from 'msgpackr';
import { BUNDLE } from '../support/bundle.js';
import type { Command } from '../support/monitor.js';

/** A command of a publisher, without what two runs cannot have in common. */
export type Call = { readonly script: string; readonly keys: readonly string[]; readonly args: readonly unknown[] };

const NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries(BUNDLE.scripts).map(([name, { sha1 }]) => [sha1, name]),
);

/** Which arguments of a script are packed. */
const PACKED: Readonly<Record<string, readonly number[]>> = {
  addStandardJob: [0, 2],
  addDelayedJob: [0, 2],
  addPrioritizedJob: [0, 2],
  addParentJob: [0, 2],
  addJobScheduler: [1, 4, 5],
};
/** Which arguments are JSON. */
const JSON_TEXT: Readonly<Record<string, readonly number[]>> = {
  addStandardJob: [1],
  addDelayedJob: [1],
  addPrioritizedJob: [1],
  addParentJob: [1],
  addJobScheduler: [3],
};
/** Which argument of `addJobScheduler` holds the options of the next job. */
const NEXT_JOB_OPTIONS = 5;
const WRITES = new Set(['hset', 'hdel', 'set', 'del']);
const DAY_MS = 86_400_000;

/** What a publisher sent to change something: scripts by name, and plain commands. */
export function callsOf(commands: readonly Command[], prefix: string): Call[] {
  return commands.flatMap((command) => fromCommand(command, (text) => text.replaceAll(prefix, 'PREFIX')) ?? []);
}

function fromCommand({ name, args }: Command, clean: (text: string) => string): Call | undefined {
  if (WRITES.has(name)) {
    return { script: name, keys: [], args: args.map((argument) => withoutTime(clean(argument.toString()))) };
  }
  if (name !== 'evalsha' && name !== 'eval') return undefined;
  const [text = Buffer.of(), count, ...rest] = args;
  // ioredis sends the source at the first call on a connection.
  const script = NAMES.get(name === 'eval' ? createHash('sha1').update(text).digest('hex') : text.toString());
  if (script === undefined) return undefined;
  const keyCount = Number(count);
  return {
    script,
    keys: rest.slice(0, keyCount).map((key) => clean(key.toString())),
    args: rest.slice(keyCount).map((argument, index) => {
      if (PACKED[script]?.includes(index)) {
        const value = normalised(unpack(argument), clean);
        return script === 'addJobScheduler' && index === NEXT_JOB_OPTIONS ? withoutOverwritten(value) : value;
      }
      if (JSON_TEXT[script]?.includes(index)) return JSON.parse(argument.toString());
      return withoutTime(clean(argument.toString()));
    }),
  };
}

function normalised(value: unknown, clean: (text: string) => string): unknown {
  if (typeof value === 'string') return clean(value);
  // (whole numbers beyond 32 bits are unpacked as they were packed: floats from Node, integers from Python)
  if (typeof value === 'number' || typeof value === 'bigint') return withoutTime(String(value));
  if (Array.isArray(value)) {
    // Lua sees a shorter array where the last entries are nil.
    const items = value.map((item) => normalised(item ?? null, clean));
    return items.slice(0, items.findLastIndex((item) => item !== null) + 1);
  }
  if (typeof value !== 'object' || value === null) return value;
  // Lua's table has no entry where the packed map has nil.
  const entries = Object.entries(value).filter(([, item]) => item !== null && item !== undefined);
  return Object.fromEntries(entries.map(([key, item]) => [key, normalised(item, clean)]));
}

/** The script sets these two itself, whatever it is given; BullMQ gives it NaN and `repeat:<id>:undefined`. */
function withoutOverwritten(options: unknown): unknown {
  const { delay: _delay, jobId: _jobId, ...others } = options as Record<string, unknown>;
  return others;
}

/** Without a time of these days; numbers are the same in every notation (ioredis 6 writes `Number.MAX_VALUE` out). */
function withoutTime(text: string): string {
  if (/^\d{22,}$/.test(text)) return String(Number(text));
  return text !== '' && Math.abs(Number(text) - Date.now()) < DAY_MS ? '(time)' : text;
}
