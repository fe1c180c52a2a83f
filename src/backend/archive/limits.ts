/** What an uploaded archive may hold. A limit that is passed refuses the whole archive. */
export interface ArchiveLimits {
  /** Most entries, folders and junk included. */
  readonly entries: number;
  /** Most bytes that all entries together may inflate to, counted while inflating. */
  readonly inflatedBytes: number;
  /** Most inflated bytes for each compressed byte, of one entry and of the whole archive. */
  readonly ratio: number;
  /** The ratio is not asked below this many inflated bytes: small files of zeros or blanks are harmless and common. */
  readonly ratioFloorBytes: number;
}

const mebibyte = 1024 * 1024;

/** Generous for documents. Deflate reaches 1,032:1 on zeros; office documents and text stay below 30:1. */
export const defaultArchiveLimits: ArchiveLimits = {
  entries: 2_000,
  inflatedBytes: 500 * mebibyte,
  ratio: 100,
  ratioFloorBytes: mebibyte,
};
