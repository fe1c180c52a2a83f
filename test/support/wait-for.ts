const INTERVAL_MS = 10;

/**
 * Waits until a condition holds: until `probe` gives something else than undefined, null or false.
 *
 * @param what - completes the sentence "... did not happen within ...", for the error.
 * @param probe - asked again and again; what it throws is thrown at once.
 * @returns what the probe gave.
 * @throws Error when the time is over; its message has `what` and what `state` says at that moment.
 */
export async function waitFor<Found>(
  what: string,
  probe: () => Found | undefined | null | false | Promise<Found | undefined | null | false>,
  { timeoutMs = 15_000, state }: { timeoutMs?: number; state?: () => unknown } = {},
): Promise<Found> {
  const deadline = Date.now() + timeoutMs;
  while (true) {
    const found = await probe();
    if (found !== undefined && found !== null && found !== false) return found;
    if (Date.now() > deadline) {
      const seen = state === undefined ? '' : `; seen instead: ${format(await state())}`;
      throw new Error(`${what} did not happen within ${timeoutMs} ms${seen}`);
    }
    await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
  }
}

function format(state: unknown): string {
  return typeof state === 'string' ? `\n${state}` : JSON.stringify(state);
}
