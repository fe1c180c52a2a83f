/** What both languages are asked: when does a schedule run next, and after that? */
export interface Question {
  readonly pattern: string;
  /** Epoch ms. */
  readonly after: number;
  /** Time zone of the schedule. Without one the zone of the process counts: `TZ`. */
  readonly tz?: string | null;
  /** The environment variable TZ. Default: `UTC`. */
  readonly TZ?: string;
  /** Epoch ms. */
  readonly startDate?: number;
  /** Epoch ms. */
  readonly endDate?: number;
  readonly hashSeed?: string;
  readonly strict?: boolean;
}

/**
 * Up to three runs (epoch ms), each looked for after the one before. The list ends early with `ended` (no run any
 * more) or `refused` (the pattern or the zone cannot be used).
 */
export type Answer = readonly (number | 'ended' | 'refused')[];
