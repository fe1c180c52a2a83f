/** Thrown when an archive must not be processed. The message is the reason shown to whoever uploaded it. */
export class ArchiveRefused extends Error {
  override readonly name = 'ArchiveRefused';
}

/** An entry's name as it may appear in a reason: quoted, control characters escaped, not longer than a line. */
export function quoteName(name: string): string {
  const short = name.length > 80 ? `${name.slice(0, 79)}…` : name;
  return JSON.stringify(short);
}
