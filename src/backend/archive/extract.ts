import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import { type ArchiveEntry, exceedsRatio } from './entry.js';
import { safeExtension } from './entry-name.js';
import { readContents, tooLarge } from './inspect.js';
import type { ArchiveLimits } from './limits.js';
import { type Archive, openArchive } from './open.js';
import { ArchiveRefused, quoteName } from './refusal.js';

/** A file taken out of an archive. */
export interface ExtractedFile {
  /** Generated; also the first part of the stored file's name. */
  readonly docId: string;
  /** Normalised name inside the archive. */
  readonly name: string;
  /** Where it was stored, absolute when `folder` was. */
  readonly path: string;
  readonly bytes: number;
}

/**
 * Takes every file out of an archive into `folder`, which must not exist yet and is created. Junk is left out. Files
 * get generated names, so nothing in the archive decides about a path. The limits are counted on the bytes that really
 * come out, whatever the headers say.
 *
 * @param signal - stops the work between two chunks.
 * @throws {@link ArchiveRefused} with the reason. On any error `folder` is removed with all that it holds.
 */
export async function extractArchive(
  path: string,
  folder: string,
  limits: ArchiveLimits,
  signal?: AbortSignal,
): Promise<ExtractedFile[]> {
  const archive = await openArchive(path);
  try {
    const { files } = await readContents(archive, limits);
    await mkdir(folder, { recursive: true });
    const budget = new InflationBudget(limits);
    const extracted: ExtractedFile[] = [];
    for (const entry of files) extracted.push(await extractEntry(archive, entry, folder, budget, signal));
    return extracted;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  } finally {
    archive.close();
  }
}

async function extractEntry(
  archive: Archive,
  entry: ArchiveEntry,
  folder: string,
  budget: InflationBudget,
  signal: AbortSignal | undefined,
): Promise<ExtractedFile> {
  const docId = randomUUID();
  const path = join(folder, docId + safeExtension(entry.name));
  const meter = new Meter(entry, budget);
  try {
    const content = await archive.zip.openReadStreamPromise(entry.source);
    await pipeline(content, meter, createWriteStream(path, { flags: 'wx' }), { signal });
  } catch (error) {
    if (error instanceof ArchiveRefused || signal?.aborted || isSystemError(error)) throw error;
    const said = error instanceof Error ? error.message : String(error);
    throw new ArchiveRefused(`Damaged entry ${quoteName(entry.name)}: ${said}`, { cause: error });
  }
  meter.verify();
  return { docId, name: entry.name, path, bytes: meter.bytes };
}

/** Inflated bytes that the archive may still use. */
class InflationBudget {
  readonly limits: ArchiveLimits;
  #used = 0;

  constructor(limits: ArchiveLimits) {
    this.limits = limits;
  }

  spend(bytes: number): void {
    this.#used += bytes;
    if (this.#used > this.limits.inflatedBytes) throw tooLarge(this.limits);
  }
}

/** Counts and checks the bytes of one entry on their way to the disk, before they are written. */
class Meter extends Transform {
  bytes = 0;
  #checksum = 0;
  readonly #entry: ArchiveEntry;
  readonly #budget: InflationBudget;

  constructor(entry: ArchiveEntry, budget: InflationBudget) {
    super();
    this.#entry = entry;
    this.#budget = budget;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    try {
      this.bytes += chunk.length;
      this.#budget.spend(chunk.length);
      const { limits } = this.#budget;
      const { compressedSize, uncompressedSize } = this.#entry.source;
      const name = quoteName(this.#entry.name);
      if (exceedsRatio(this.bytes, compressedSize, limits)) {
        throw new ArchiveRefused(`Inflates to more than ${limits.ratio} times its size: ${name}`);
      }
      // Ends a bomb whose header lies at its first chunk, long before the limits would.
      if (this.bytes > uncompressedSize) throw new ArchiveRefused(`Inflates to more than its header says: ${name}`);
      this.#checksum = crc32(chunk, this.#checksum);
      done(null, chunk);
    } catch (error) {
      done(error as Error);
    }
  }

  /** Once the entry is complete. */
  verify(): void {
    const { uncompressedSize, crc32: checksum } = this.#entry.source;
    const name = quoteName(this.#entry.name);
    if (this.bytes !== uncompressedSize)
      throw new ArchiveRefused(`Damaged entry ${name}: shorter than its header says`);
    if (this.#checksum !== checksum) throw new ArchiveRefused(`Damaged entry ${name}: wrong checksum`);
  }
}

/** A full disk or a missing permission says nothing about the archive. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}
