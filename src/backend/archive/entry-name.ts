import { ArchiveRefused, quoteName } from './refusal.js';

const longestName = 1_024;

/**
 * Judges the name that an archive gives to an entry and brings it into one form: forward slashes, no `.` or empty
 * segments, Unicode NFC. The result is for people to read; files are never stored under it.
 *
 * @param name - as decoded from the archive; a trailing slash (a folder) is dropped.
 * @throws {@link ArchiveRefused} for a name that could leave the folder on any operating system.
 */
export function normaliseEntryName(name: string): string {
  if (name.length > longestName) throw new ArchiveRefused(`Entry name is too long: ${quoteName(name)}`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(name)) {
    throw new ArchiveRefused(`Entry name holds a control character: ${quoteName(name)}`);
  }
  if (/^[a-zA-Z]:/.test(name)) throw new ArchiveRefused(`Absolute path in the archive: ${quoteName(name)}`);
  const slashed = name.replaceAll('\\', '/');
  if (slashed.startsWith('/')) throw new ArchiveRefused(`Absolute path in the archive: ${quoteName(name)}`);
  const segments = slashed.split('/').filter((segment) => segment !== '' && segment !== '.');
  if (segments.includes('..')) throw new ArchiveRefused(`Path leaves the archive: ${quoteName(name)}`);
  // Checked last so that `..\x` and `\x` get the reason that fits them better. The ZIP format has forward slashes only.
  if (name.includes('\\')) throw new ArchiveRefused(`Backslash in an entry name: ${quoteName(name)}`);
  if (segments.length === 0) throw new ArchiveRefused(`Entry without a name: ${quoteName(name)}`);
  return segments.join('/').normalize('NFC');
}

/** True for what operating systems add by themselves: `__MACOSX/`, `.DS_Store`, `Thumbs.db`, anything hidden. */
export function isJunk(normalisedName: string): boolean {
  const segments = normalisedName.split('/');
  return (
    segments.some((segment) => segment === '__MACOSX' || segment.startsWith('.')) ||
    /(^|\/)(thumbs\.db|desktop\.ini)$/i.test(normalisedName)
  );
}

/** The extension, when it is short and plain enough to be part of a file name that we choose; else nothing. */
export function safeExtension(normalisedName: string): string {
  return /[^/](\.[a-z0-9]{1,10})$/.exec(normalisedName.toLowerCase())?.[1] ?? '';
}
