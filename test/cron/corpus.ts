import { BAD_PATTERNS, HASHED_PATTERNS, NIGHTLY_PATTERNS, PATTERNS, SELDOM_PATTERNS } from './patterns.js';
import type { Question } from './question.js';
import { HALF_AN_HOUR_BACK, MOVED_CLOCKS, NO_ZONES, STEADY_ZONES } from './zones.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ZONES: readonly string[] = [...Object.keys(MOVED_CLOCKS), ...STEADY_ZONES];

/**
 * Questions about schedules, the same ones for the same seed: every construct at some instants, every moved clock with
 * every nightly pattern, and what chance makes of patterns, zones and instants, good and bad.
 */
export function corpus(seed: number): Question[] {
  const chance = new Chance(seed);
  return [
    ...constructs(chance),
    ...nights(chance),
    ...times(1_600, () => ({ pattern: randomPattern(chance), after: instant(chance), tz: chance.of(ZONES) })),
    ...times(700, () => ({ pattern: spoilt(chance), after: instant(chance), tz: chance.of(ZONES) })),
    ...limits(chance),
  ];
}

function constructs(chance: Chance): Question[] {
  return [
    ...PATTERNS.flatMap((pattern) => times(8, () => ({ pattern, after: instant(chance), tz: chance.of(ZONES) }))),
    ...SELDOM_PATTERNS.map((pattern) => ({ pattern, after: instant(chance), tz: 'UTC' })),
    ...BAD_PATTERNS.map((pattern) => ({ pattern, after: instant(chance), tz: 'UTC' })),
    // Found a quarter of an hour before the instant from which cron-parser looks.
    { pattern: '30 * * * *', after: 909_281_552_057, tz: 'America/St_Johns' },
    ...NO_ZONES.map((tz) => ({ pattern: '* * * * *', after: instant(chance), tz })),
    ...HASHED_PATTERNS.flatMap((pattern) =>
      ['a', 'report', 'é😀', 'mail-17'].map((hashSeed) => ({
        pattern,
        hashSeed,
        after: instant(chance),
        strict: chance.once(2),
      })),
    ),
  ];
}

/** Around each moment at which a clock was moved. */
function nights(chance: Chance): Question[] {
  const { zone, moment } = HALF_AN_HOUR_BACK;
  return [
    ...Object.entries(MOVED_CLOCKS).flatMap(([zone, moments]) =>
      moments.flatMap((moment) =>
        [...NIGHTLY_PATTERNS, ...times(9, () => randomPattern(chance))].map((pattern) =>
          night(chance, zone, moment, pattern),
        ),
      ),
    ),
    ...times(8, () => night(chance, zone, moment, chance.of(NIGHTLY_PATTERNS))),
  ];
}

/** Hours or days from a moment, in a zone that is the schedule's or the process's. */
function night(chance: Chance, zone: string, moment: string, pattern: string): Question {
  const near = chance.once(2) ? 3 * HOUR : 2 * DAY;
  const after = Date.parse(`${moment}Z`) + chance.below(2 * near) - near;
  const question = { pattern, after: chance.once(2) ? after - (after % 60_000) : after };
  return chance.once(6) ? { ...question, TZ: zone } : { ...question, tz: zone };
}

/** Schedules that begin late, end early, or are strict. */
function limits(chance: Chance): Question[] {
  return times(300, () => {
    const after = instant(chance);
    const somewhere = () => {
      const at = after + chance.below(2 * DAY) - DAY / 2;
      return at - (at % chance.of([1_000, HOUR, DAY]));
    };
    return {
      pattern: chance.once(4) ? chance.of(PATTERNS) : chance.of(NIGHTLY_PATTERNS),
      after,
      tz: chance.once(5) ? null : chance.of(ZONES),
      ...(chance.once(2) ? { startDate: somewhere() } : {}),
      ...(chance.once(2) ? { endDate: somewhere() } : {}),
      ...(chance.once(5) ? { strict: true } : {}),
    };
  });
}

/** Any instant from 1996 to 2023: before, the zones' databases differ in places; after, they may come to. */
function instant(chance: Chance): number {
  const at = Date.UTC(1996, 0, 1) + chance.below(27 * 365 * DAY);
  return chance.once(3) ? at : at - (at % (chance.once(2) ? 60_000 : HOUR));
}

function randomPattern(chance: Chance): string {
  const fields = [
    part(chance, 0, 59),
    part(chance, 0, 59),
    part(chance, 0, 23),
    chance.once(2) ? '*' : chance.once(6) ? 'L' : part(chance, 1, 28),
    chance.once(2) ? '*' : part(chance, 1, 12),
    chance.once(2) ? '*' : weekday(chance),
  ];
  return fields.slice(chance.once(3) ? 0 : 1).join(' ');
}

function part(chance: Chance, least: number, most: number): string {
  const from = least + chance.below(most - least + 1);
  const to = from + chance.below(most - from + 1);
  const step = 1 + chance.below(most - least);
  const other = least + chance.below(most - least + 1);
  return chance.of([
    '*',
    `${from}`,
    `*/${step}`,
    `${from}-${to}`,
    `${from}-${to}/${step}`,
    `${from}/${step}`,
    from === other ? `${from}` : `${from},${other}`,
  ]);
}

function weekday(chance: Chance): string {
  const day = chance.of(['0', '1', '2', '3', '4', '5', '6', '7', 'mon', 'TUE', 'sat']);
  return chance.of([day, `${day}L`, `${day}#${1 + chance.below(5)}`, part(chance, 0, 7), '?']);
}

/** A pattern in which a few characters are taken away, added or exchanged; some of them are good all the same. */
function spoilt(chance: Chance): string {
  const letters = [...(chance.once(2) ? chance.of(PATTERNS) : randomPattern(chance))];
  for (let left = 1 + chance.below(2); left > 0; left -= 1) {
    const stray = chance.of([...'0123456789*?,-/#LW() janfri7@']);
    letters.splice(chance.below(letters.length + 1), chance.below(2), ...(chance.once(4) ? [] : [stray]));
  }
  return letters.join('');
}

function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make);
}

/** Chance that a seed makes repeatable (mulberry32). */
class Chance {
  private state: number;

  constructor(seed: number) {
    this.state = seed;
  }

  /** A whole number from 0 up to a limit, without it. */
  below(limit: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  /** True one time in so many. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }
}
