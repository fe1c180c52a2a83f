import { open as openFile } from 'node:fs/promises';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { ArchiveRefused } from './refusal.js';

/** A ZIP file opened for reading: its entries in the order of the central directory. */
export interface Archive {
  /** Entries according to the end record, before any was read. */
  readonly entryCount: number;
  /** Bytes of the file on disk. */
  readonly bytes: number;
  readonly zip: ZipFile;
  /** Reads the central directory. May be called once. */
  entries(): AsyncGenerator<Entry, void, undefined>;
  close(): void;
}

/**
 * Opens a ZIP file on disk.
 *
 * @throws {@link ArchiveRefused} when it is none, or damaged.
 */
export async function openArchive(path: string): Promise<Archive> {
  await requireSignature(path);
  const zip = await openPromise(path, {
    autoClose: false,
    // Names are judged in entry-name.ts and sizes counted in extract.ts, each with its own reason.
    decodeStrings: false,
    validateEntrySizes: false,
  }).catch(refuse);
  return {
    entryCount: zip.entryCount,
    bytes: zip.fileSize,
    zip,
    entries: () => readEntries(zip),
    close: () => zip.close(),
  };
}

/** Translates what yauzl says about a broken archive into a refusal. */
export function refuse(error: unknown): never {
  const message = error instanceof Error ? error.message : String(error);
  if (/strong encryption/.test(message)) throw new ArchiveRefused('Encrypted entry', { cause: error });
  if (/Either not a zip file/.test(message)) throw new ArchiveRefused('Not a ZIP file', { cause: error });
  throw new ArchiveRefused(`Damaged ZIP file: ${message}`, { cause: error });
}

// The reader searches for the end record anywhere in the last 64 KiB, so it would take a picture with a ZIP glued to
// its end for a ZIP. Archives start with a local header, or with the end record when they are empty.
async function requireSignature(path: string): Promise<void> {
  const file = await openFile(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    const signature = bytesRead === 4 ? buffer.readUInt32LE(0) : 0;
    if (signature !== 0x04034b50 && signature !== 0x06054b50) throw new ArchiveRefused('Not a ZIP file');
  } finally {
    await file.close();
  }
}

// Not yauzl's own `eachEntry`: an error between two entries would throw inside its event handler and end the process.
async function* readEntries(zip: ZipFile): AsyncGenerator<Entry, void, undefined> {
  let failure: unknown;
  let settle: (() => void) | undefined;
  const queue: Entry[] = [];
  let ended = false;
  const wake = () => settle?.();
  zip.on('entry', (entry: Entry) => {
    queue.push(entry);
    wake();
  });
  zip.on('end', () => {
    ended = true;
    wake();
  });
  zip.on('error', (error: unknown) => {
    failure = error;
    wake();
  });
  while (true) {
    const next = new Promise<void>((resolve) => {
      settle = resolve;
    });
    zip.readEntry();
    await next;
    if (failure !== undefined) refuse(failure);
    if (ended) return;
    const entry = queue.shift();
    if (entry !== undefined) yield entry;
  }
}
