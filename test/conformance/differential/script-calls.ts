import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { unpack } from 'msgpackr';
import { BUNDLE } from '../../support/bundle.js';
import { pairs } from '../../support/event-stream.js';
import type { Command } from '../../support/monitor.js';

/** A call of a script, without what two runs of the same jobs cannot have in common. */
export interface ScriptCall {
  readonly script: string;
  readonly keys: readonly string[];
  readonly args: readonly unknown[];
}

const NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries(BUNDLE.scripts).map(([name, { sha1 }]) => [sha1, name]),
);

/** The scripts that a worker calls, and which of their arguments are packed. */
const PACKED_ARGUMENTS: Readonly<Record<string, readonly number[]>> = {
  moveToActive: [2],
  moveToFinished: [7, 8],
  moveToDelayed: [6, 8],
  retryJob: [5],
  extendLocks: [1, 2],
  moveStalledJobsToWait: [],
  moveToWaitingChildren: [],
  moveJobFromActiveToWait: [],
  updateProgress: [],
  addLog: [],
};

/** Called as often as time goes by, whatever the jobs do: only the form of these calls is the same. */
const REPEATED = new Set(['moveToActive', 'extendLocks', 'moveStalledJobsToWait']);

const TOKEN = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}:\d+$/;
/** The one field of a failed job that the Python worker adds. */
const OWN_FIELD = 'bridgeFailure';

/** The calls of a worker, by script. */
export function scriptCalls(commands: readonly Command[], prefix: string): Record<string, ScriptCall[]> {
  const calls: Record<string, ScriptCall[]> = {};
  for (const command of commands) {
    const call = fromCommand(command, prefix);
    if (call === undefined) continue;
    calls[call.script] ??= [];
    const others = calls[call.script] as ScriptCall[];
    if (!REPEATED.has(call.script) || !others.some((other) => isDeepStrictEqual(other, call))) others.push(call);
  }
  return calls;
}

function fromCommand({ name, args }: Command, prefix: string): ScriptCall | undefined {
  if (name !== 'evalsha' && name !== 'eval') return undefined;
  const [text = '', count, ...rest] = args;
  // ioredis sends the source at the first call on a connection.
  const script = NAMES.get(name === 'eval' ? createHash('sha1').update(text).digest('hex') : text.toString());
  if (script === undefined) return undefined;
  const packed = PACKED_ARGUMENTS[script];
  if (packed === undefined) return undefined;
  const keyCount = Number(count);
  const clean = (text: string) => text.replaceAll(prefix, 'PREFIX');
  return {
    script,
    keys: rest.slice(0, keyCount).map((key) => clean(key.toString())),
    args: rest.slice(keyCount).map((argument, index) => {
      if (packed.includes(index) && argument.length > 0) return fromPacked(unpack(argument), clean);
      return fromText(script, index, clean(argument.toString()));
    }),
  };
}

function fromText(script: string, index: number, text: string): unknown {
  const isJson = (script === 'updateProgress' && index === 1) || (script === 'moveToFinished' && index === 3);
  if (isJson) return fromJson(text);
  if (TOKEN.test(text)) return '(token)';
  return /^\d{13}$/.test(text) && Math.abs(Number(text) - Date.now()) < 60_000 ? '(now)' : text;
}

/** A reason for a failure stands where a result would, and is no JSON. */
function fromJson(text: string): unknown {
  try {
    return { json: JSON.parse(text) };
  } catch {
    return text;
  }
}

function fromPacked(value: unknown, clean: (text: string) => string): unknown {
  if (typeof value === 'string') return TOKEN.test(value) ? '(token)' : clean(value);
  if (Array.isArray(value)) {
    const items = value.map((item) => fromPacked(item, clean));
    return items.includes('failedReason') ? fromFields(items as string[]) : items;
  }
  if (typeof value !== 'object' || value === null) return value;
  // Lua's table has no entry where the packed map has nil.
  const entries = Object.entries(value).filter(([, item]) => item !== null && item !== undefined);
  return Object.fromEntries(entries.map(([key, item]) => [key, fromPacked(item, clean)]));
}

function fromFields(flat: readonly string[]): Record<string, unknown> {
  const fields = Object.fromEntries(pairs(flat).filter(([field]) => field !== OWN_FIELD));
  return { ...fields, stacktrace: JSON.parse(fields.stacktrace ?? '').length };
}
