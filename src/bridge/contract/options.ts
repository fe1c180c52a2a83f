import type { BackoffOptions, KeepJobs } from 'bullmq';
import { ContractDefinitionError } from './error.js';

/**
 * Priority by name. BullMQ's numbers run against intuition: 1 is the most urgent, and a job *without* a priority goes
 * before all of them, so every job of a contract has one of these and never 0.
 */
export const PRIORITIES = { high: 1, normal: 10, low: 100 } as const;

/** `high`, `normal` or `low`. */
export type PriorityName = keyof typeof PRIORITIES;

/** A priority by name, or BullMQ's own number from 1 (most urgent) to 2,097,151. */
export type Priority = PriorityName | number;

const LOWEST_PRIORITY = 2 ** 21 - 1;

/** How the jobs of a contract are retried, ordered and kept, unless a call says otherwise. */
export interface ContractOptions {
  /** How often a job is tried in all, the first time included. Default: 1. */
  readonly attempts?: number;
  /** Wait before the next attempt: milliseconds, or a strategy with its `delay` in milliseconds. */
  readonly backoff?: number | BackoffOptions;
  /** Default: `normal`. */
  readonly priority?: Priority;
  /** Milliseconds before a job may start. Default: 0. */
  readonly delay?: number;
  /** What to keep of completed jobs: all (`false`), none (`true`), the last n, or by count and age in seconds. */
  readonly removeOnComplete?: boolean | number | KeepJobs;
  /** What to keep of failed jobs: all (`false`), none (`true`), the last n, or by count and age in seconds. */
  readonly removeOnFail?: boolean | number | KeepJobs;
  /** How many log lines are kept per job. */
  readonly keepLogs?: number;
  /** How many lines of a stack trace are kept. */
  readonly stackTraceLimit?: number;
}

/** A contract's options as they travel: the priority is a number, and always there. */
export type WireOptions = Omit<ContractOptions, 'priority'> & { readonly priority: number };

/** BullMQ's number for a priority. Throws RangeError when it is not one. */
export function priorityNumber(priority: Priority): number {
  const number = typeof priority === 'string' ? PRIORITIES[priority] : priority;
  if (!isInteger(number, 1, LOWEST_PRIORITY)) {
    throw new RangeError(
      `priority must be ${Object.keys(PRIORITIES).join(', ')} or an integer from 1 to ${LOWEST_PRIORITY}, ` +
        `not ${JSON.stringify(priority)} (0 would go before every other job)`,
    );
  }
  return number;
}

/**
 * Checks the options of a contract and turns them into what travels.
 *
 * @param owner - whose options these are, for the message.
 * @throws {@link ContractDefinitionError} naming the first option that cannot work.
 */
export function resolveOptions(options: ContractOptions, owner: string): WireOptions {
  const refuse = (what: string): never => {
    throw new ContractDefinitionError(`${owner}: ${what}.`);
  };
  for (const [key, value] of Object.entries(options)) {
    const check = Object.hasOwn(CHECKS, key) ? CHECKS[key as keyof ContractOptions] : undefined;
    if (check === undefined) {
      refuse(`unknown option '${key}'; known are ${Object.keys(CHECKS).join(', ')}`);
    } else if (value !== undefined && !check.accepts(value)) {
      refuse(`option '${key}' must be ${check.wants}, not ${JSON.stringify(value)}`);
    }
  }
  const present = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return { ...present, priority: priorityNumber(options.priority ?? 'normal') };
}

interface Check {
  readonly wants: string;
  accepts(value: unknown): boolean;
}

const COUNT: Check = { wants: 'an integer of 0 or more', accepts: (value) => isInteger(value, 0) };

const KEEP: Check = {
  wants: 'true, false, a count, or { count?, age?, limit? } with age in seconds',
  accepts: (value) =>
    typeof value === 'boolean' ||
    isInteger(value, 0) ||
    (isPlainObject(value) &&
      Object.keys(value).length > 0 &&
      Object.entries(value).every(([key, part]) => ['count', 'age', 'limit'].includes(key) && isInteger(part, 0))),
};

const CHECKS: Readonly<Record<keyof ContractOptions, Check>> = {
  attempts: { wants: 'an integer of 1 or more', accepts: (value) => isInteger(value, 1) },
  backoff: {
    wants: 'milliseconds or { type, delay?, jitter? } with delay in milliseconds and jitter from 0 to 1',
    accepts: (value) =>
      isInteger(value, 0) ||
      (isPlainObject(value) &&
        typeof value.type === 'string' &&
        value.type !== '' &&
        (value.delay === undefined || isInteger(value.delay, 0)) &&
        (value.jitter === undefined || (typeof value.jitter === 'number' && value.jitter >= 0 && value.jitter <= 1)) &&
        Object.keys(value).every((key) => ['type', 'delay', 'jitter'].includes(key))),
  },
  priority: {
    wants: `${Object.keys(PRIORITIES).join(', ')} or an integer from 1 to ${LOWEST_PRIORITY}`,
    accepts: (value) =>
      typeof value === 'string' ? Object.hasOwn(PRIORITIES, value) : isInteger(value, 1, LOWEST_PRIORITY),
  },
  delay: { wants: 'milliseconds, an integer of 0 or more', accepts: COUNT.accepts },
  removeOnComplete: KEEP,
  removeOnFail: KEEP,
  keepLogs: COUNT,
  stackTraceLimit: COUNT,
};

function isInteger(value: unknown, minimum: number, maximum = Number.MAX_SAFE_INTEGER): value is number {
  return Number.isSafeInteger(value) && (value as number) >= minimum && (value as number) <= maximum;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
