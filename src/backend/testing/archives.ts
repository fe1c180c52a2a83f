import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { crc32, deflateRawSync } from 'node:zlib';
import { ZipFile } from 'yazl';

/** Test data: an ordinary archive as an ordinary tool writes it. A name with a trailing slash makes a folder. */
export async function writeZip(path: string, files: Readonly<Record<string, string | Buffer>>): Promise<string> {
  const zip = new ZipFile();
  for (const [name, content] of Object.entries(files)) {
    if (name.endsWith('/')) zip.addEmptyDirectory(name);
    else zip.addBuffer(Buffer.from(content), name);
  }
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(path));
  return path;
}

/** One record of an archive that no honest tool writes. Everything left out is what it should be. */
export interface RawEntry {
  readonly name: string | Buffer;
  readonly content?: Buffer | string;
  /** 0 stored, 8 deflate (default). */
  readonly method?: number;
  /** General purpose bits; 0x800 (UTF-8 names) by default. */
  readonly flags?: number;
  /** Unix mode, in the upper half of the external attributes. */
  readonly mode?: number;
  /** Extra fields of the central record. */
  readonly extra?: Buffer;
  readonly statedSize?: number;
  readonly statedChecksum?: number;
  /** The data as stored, when it is not `content` compressed by `method`. */
  readonly data?: Buffer;
}

/** Test data: an archive written byte by byte, honest or not. */
export async function writeRawZip(
  path: string,
  entries: readonly RawEntry[],
  end: { statedEntries?: number } = {},
): Promise<string> {
  const locals: Buffer[] = [];
  const records: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const name = Buffer.from(entry.name);
    const content = Buffer.from(entry.content ?? '');
    const method = entry.method ?? 8;
    const data = entry.data ?? (method === 8 ? deflateRawSync(content) : content);
    // From "general purpose bits" to "extra length": the part that both headers share.
    const shared = Buffer.alloc(24);
    shared.writeUInt16LE(entry.flags ?? 0x800, 0);
    shared.writeUInt16LE(method, 2);
    shared.writeUInt32LE(entry.statedChecksum ?? crc32(content), 8);
    shared.writeUInt32LE(data.length, 12);
    shared.writeUInt32LE(entry.statedSize ?? content.length, 16);
    shared.writeUInt16LE(name.length, 20);
    const local = Buffer.concat([Buffer.from('504b03041400', 'hex'), shared, name, data]);
    const extra = entry.extra ?? Buffer.alloc(0);
    const centralShared = Buffer.from(shared);
    centralShared.writeUInt16LE(extra.length, 22);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(((entry.mode ?? 0) << 16) >>> 0, 6);
    tail.writeUInt32LE(offset, 10);
    records.push(Buffer.concat([Buffer.from('504b010214031400', 'hex'), centralShared, tail, name, extra]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(records);
  const last = Buffer.alloc(22);
  last.writeUInt32LE(0x06054b50, 0);
  last.writeUInt16LE(end.statedEntries ?? entries.length, 8);
  last.writeUInt16LE(end.statedEntries ?? entries.length, 10);
  last.writeUInt32LE(directory.length, 12);
  last.writeUInt32LE(offset, 16);
  await writeFile(path, Buffer.concat([...locals, directory, last]));
  return path;
}
