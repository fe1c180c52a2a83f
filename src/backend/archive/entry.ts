import { type Entry, getFileNameLowLevel } from 'yauzl';
import { normaliseEntryName } from './entry-name.js';
import type { ArchiveLimits } from './limits.js';
import { ArchiveRefused, quoteName } from './refusal.js';

const fileTypeMask = 0o170000;
const regularFile = 0o100000;
const folder = 0o040000;
const symbolicLink = 0o120000;
const encryptedBits = 0x0001 | 0x0040 | 0x2000;
const methods = new Map([
  [0, 'stored'],
  [8, 'deflate'],
]);

/** One entry of an archive that passed everything its header can tell. */
export interface ArchiveEntry {
  /** Normalised: see {@link normaliseEntryName}. */
  readonly name: string;
  readonly isFolder: boolean;
  /** The entry in yauzl's form, for opening it. */
  readonly source: Entry;
}

/**
 * Judges an entry by its record in the central directory.
 *
 * @throws {@link ArchiveRefused}
 */
export function readEntry(source: Entry, limits: ArchiveLimits): ArchiveEntry {
  // `strictFileNames` keeps backslashes as they are, so that we see and refuse them.
  const rawName = getFileNameLowLevel(source.generalPurposeBitFlag, source.fileNameRaw, source.extraFields, true);
  const name = normaliseEntryName(rawName);
  const type = (source.externalFileAttributes >>> 16) & fileTypeMask;
  if (type === symbolicLink) throw new ArchiveRefused(`Symbolic link in the archive: ${quoteName(name)}`);
  if (type !== 0 && type !== regularFile && type !== folder) {
    throw new ArchiveRefused(`Neither a file nor a folder: ${quoteName(name)}`);
  }
  if ((source.generalPurposeBitFlag & encryptedBits) !== 0) {
    throw new ArchiveRefused(`Encrypted entry: ${quoteName(name)}`);
  }
  if (!methods.has(source.compressionMethod)) {
    throw new ArchiveRefused(`Unsupported compression method ${source.compressionMethod}: ${quoteName(name)}`);
  }
  if (exceedsRatio(source.uncompressedSize, source.compressedSize, limits)) {
    throw new ArchiveRefused(`Inflates to more than ${limits.ratio} times its size: ${quoteName(name)}`);
  }
  return { name, isFolder: rawName.endsWith('/'), source };
}

/** True when so many inflated bytes from so many compressed ones look like a bomb. */
export function exceedsRatio(inflatedBytes: number, compressedBytes: number, limits: ArchiveLimits): boolean {
  return inflatedBytes > limits.ratioFloorBytes && inflatedBytes > compressedBytes * limits.ratio;
}
