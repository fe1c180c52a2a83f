/** What `bullmq-bridge` tells the shell. */
export const EXIT = {
  ok: 0,
  /** The command ran, and the answer is no: files are stale, a contract or a BullMQ is refused. */
  refused: 1,
  /** The command could not run: wrong flags, wrong settings, nothing to work on. */
  usage: 2,
} as const;

/** One of {@link EXIT}. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
