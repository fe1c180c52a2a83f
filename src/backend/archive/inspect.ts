import { type ArchiveEntry, exceedsRatio, readEntry } from './entry.js';
import { isJunk } from './entry-name.js';
import type { ArchiveLimits } from './limits.js';
import { type Archive, openArchive } from './open.js';
import { ArchiveRefused, quoteName } from './refusal.js';

/** What the central directory promises. */
export interface ArchiveContents {
  /** Files worth processing: no folders, no junk. */
  readonly files: readonly ArchiveEntry[];
  /** Inflated size of all entries, as the headers state it. */
  readonly statedBytes: number;
}

/**
 * Judges an uploaded archive without inflating anything.
 *
 * @throws {@link ArchiveRefused} with the reason.
 */
export async function inspectArchive(path: string, limits: ArchiveLimits): Promise<ArchiveContents> {
  const archive = await openArchive(path);
  try {
    return await readContents(archive, limits);
  } finally {
    archive.close();
  }
}

/** Reads and judges the central directory of an open archive. */
export async function readContents(archive: Archive, limits: ArchiveLimits): Promise<ArchiveContents> {
  if (archive.entryCount === 0) throw new ArchiveRefused('The ZIP file is empty');
  if (archive.entryCount > limits.entries) {
    throw new ArchiveRefused(`Too many entries: ${archive.entryCount}, at most ${limits.entries} are accepted`);
  }
  const entries: ArchiveEntry[] = [];
  let statedBytes = 0;
  for await (const source of archive.entries()) {
    const entry = readEntry(source, limits);
    entries.push(entry);
    statedBytes += source.uncompressedSize;
    if (statedBytes > limits.inflatedBytes) throw tooLarge(limits);
  }
  refuseDuplicates(entries);
  const files = entries.filter((entry) => !entry.isFolder);
  if (files.length === 0) throw new ArchiveRefused('The ZIP file holds only folders');
  if (exceedsRatio(statedBytes, archive.bytes, limits)) {
    throw new ArchiveRefused(`The ZIP file inflates to more than ${limits.ratio} times its size`);
  }
  return { files: files.filter((entry) => !isJunk(entry.name)), statedBytes };
}

/** The refusal for an archive that inflates to too much. */
export function tooLarge(limits: ArchiveLimits): ArchiveRefused {
  return new ArchiveRefused(`Inflates to more than ${limits.inflatedBytes} bytes`);
}

function refuseDuplicates(entries: readonly ArchiveEntry[]): void {
  const seen = new Set<string>();
  for (const { name, isFolder } of entries) {
    // Two records of one folder are common and harmless; a file and a folder of one name are not.
    if (seen.has(name) && !isFolder) throw new ArchiveRefused(`Two entries of one name: ${quoteName(name)}`);
    seen.add(name);
  }
}
