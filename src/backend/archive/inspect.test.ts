import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type RawEntry, writeRawZip, writeZip } from '../testing/archives.js';
import { temporaryFolder } from '../testing/folder.js';
import { inspectArchive } from './inspect.js';
import { type ArchiveLimits, defaultArchiveLimits } from './limits.js';
import { ArchiveRefused } from './refusal.js';

const mebibyte = 1024 * 1024;

async function inspectRaw(entries: RawEntry[], limits: Partial<ArchiveLimits> = {}, end = {}) {
  const path = await writeRawZip(join(temporaryFolder(), 'upload.zip'), entries, end);
  return inspectArchive(path, { ...defaultArchiveLimits, ...limits });
}

async function inspectBytes(bytes: Buffer | string) {
  const path = join(temporaryFolder(), 'upload.zip');
  await writeFile(path, bytes);
  return inspectArchive(path, defaultArchiveLimits);
}

async function reason(refused: Promise<unknown>): Promise<string> {
  const error = await refused.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ArchiveRefused);
  return (error as ArchiveRefused).message;
}

describe('inspectArchive', () => {
  it('lists the files of an ordinary archive and leaves folders and junk out', async () => {
    const path = await writeZip(join(temporaryFolder(), 'upload.zip'), {
      'a.txt': 'one',
      'folder/': '',
      'folder/b.txt': 'two',
      '__MACOSX/._a.txt': 'junk',
      '.DS_Store': 'junk',
    });
    const { files, statedBytes } = await inspectArchive(path, defaultArchiveLimits);
    expect(files.map((file) => file.name)).toEqual(['a.txt', 'folder/b.txt']);
    expect(statedBytes).toBe(14);
  });

  it('accepts an archive of junk alone, which leaves nothing to process', async () => {
    expect((await inspectRaw([{ name: '.DS_Store', content: 'x' }])).files).toEqual([]);
  });

  it('reads names in the old code page when the archive does not say UTF-8', async () => {
    const { files } = await inspectRaw([{ name: Buffer.from([0x82, 0x2e, 0x74]), flags: 0, content: 'x' }]);
    expect(files.map((file) => file.name)).toEqual(['é.t']);
  });

  it.each([
    ['an empty file', ''],
    ['a short file', 'PK'],
    ['text', 'Dear Sir or Madam, '.repeat(10)],
    ['a local header and nothing else', Buffer.concat([Buffer.from('504b0304', 'hex'), Buffer.alloc(100)])],
  ])('refuses %s: not a ZIP file', async (_what, bytes) => {
    expect(await reason(inspectBytes(bytes))).toBe('Not a ZIP file');
  });

  it('refuses another format with an archive glued to its end', async () => {
    const end = Buffer.alloc(22);
    end.writeUInt32LE(0x06054b50, 0);
    expect(await reason(inspectBytes(Buffer.concat([Buffer.from('GIF89a'), Buffer.alloc(100), end])))).toBe(
      'Not a ZIP file',
    );
  });

  it('refuses an archive without entries', async () => {
    expect(await reason(inspectRaw([]))).toBe('The ZIP file is empty');
  });

  it('refuses an archive that is cut off inside its directory', async () => {
    expect(await reason(inspectRaw([{ name: 'a', content: 'x' }], {}, { statedEntries: 3 }))).toMatch(
      /^Damaged ZIP file/,
    );
  });

  it('refuses an archive of folders alone', async () => {
    expect(await reason(inspectRaw([{ name: 'a/' }, { name: 'a/b/' }]))).toBe('The ZIP file holds only folders');
  });

  it.each(['../evil.txt', 'a/../../evil.txt', '..\\evil.txt', '__MACOSX/../../evil.txt', '../'])(
    'refuses a path that leaves the archive: %s',
    async (name) => {
      expect(await reason(inspectRaw([{ name: 'good.txt', content: 'x' }, { name }]))).toMatch(
        /^Path leaves the archive/,
      );
    },
  );

  it.each(['/etc/cron.d/evil', 'C:\\evil.txt', 'c:/evil.txt', '\\\\server\\share\\evil'])(
    'refuses an absolute path: %s',
    async (name) => {
      expect(await reason(inspectRaw([{ name, content: 'x' }]))).toMatch(/^Absolute path/);
    },
  );

  it('refuses a traversal hidden in the Unicode name of an innocent entry', async () => {
    const unicodeName = Buffer.from('../evil.txt');
    const { crc32 } = await import('node:zlib');
    const extra = Buffer.alloc(9);
    extra.writeUInt16LE(0x7075, 0);
    extra.writeUInt16LE(5 + unicodeName.length, 2);
    extra.writeUInt8(1, 4);
    extra.writeUInt32LE(crc32('good.txt'), 5);
    const refused = inspectRaw([{ name: 'good.txt', content: 'x', extra: Buffer.concat([extra, unicodeName]) }]);
    expect(await reason(refused)).toMatch(/^Path leaves the archive/);
  });

  it('refuses a symbolic link', async () => {
    const link = { name: 'link', content: '/etc/passwd', mode: 0o120777 };
    expect(await reason(inspectRaw([link]))).toBe('Symbolic link in the archive: "link"');
  });

  it('refuses a device', async () => {
    expect(await reason(inspectRaw([{ name: 'null', mode: 0o020666 }]))).toBe('Neither a file nor a folder: "null"');
  });

  it.each([0x0001, 0x0041, 0x2001])('refuses an encrypted entry (bits %i)', async (flags) => {
    expect(await reason(inspectRaw([{ name: 'secret.txt', content: 'x', flags }]))).toMatch(/^Encrypted entry/);
  });

  it('refuses a compression method that it cannot read', async () => {
    expect(await reason(inspectRaw([{ name: 'a.txt', method: 14, content: 'x' }]))).toBe(
      'Unsupported compression method 14: "a.txt"',
    );
  });

  it('refuses too many entries by the end record alone', async () => {
    const entries = [{ name: 'a', content: 'x' }];
    expect(await reason(inspectRaw(entries, {}, { statedEntries: 60_000 }))).toMatch(/^Too many entries: 60000/);
  });

  it('refuses more bytes than the limit', async () => {
    const half = { content: Buffer.alloc(600), method: 0 };
    expect(
      await reason(
        inspectRaw(
          [
            { name: 'a', ...half },
            { name: 'b', ...half },
          ],
          { inflatedBytes: 1000 },
        ),
      ),
    ).toBe('Inflates to more than 1000 bytes');
  });

  it('refuses an entry that inflates too well', async () => {
    expect(await reason(inspectRaw([{ name: 'bomb', content: Buffer.alloc(2 * mebibyte) }]))).toBe(
      'Inflates to more than 100 times its size: "bomb"',
    );
  });

  it('refuses many small entries that together inflate too well', async () => {
    const entries = Array.from({ length: 20 }, (_, index) => ({
      name: `bomb-${index}`,
      content: Buffer.alloc(900_000),
    }));
    expect(await reason(inspectRaw(entries))).toBe('The ZIP file inflates to more than 100 times its size');
  });

  it('accepts a small file of zeros, whatever its ratio', async () => {
    expect((await inspectRaw([{ name: 'zeros', content: Buffer.alloc(500_000) }])).files).toHaveLength(1);
  });

  it.each([
    ['a.txt', 'a.txt'],
    ['a.txt', './a.txt'],
    ['b//a.txt', 'b/a.txt'],
    ['\u00e9', 'e\u0301'],
    ['a/', 'a'],
  ])('refuses the names %j and %j together: they are the same', async (first, second) => {
    expect(await reason(inspectRaw([{ name: first }, { name: second }]))).toMatch(/^Two entries of one name/);
  });

  it('accepts a folder that is recorded twice', async () => {
    expect((await inspectRaw([{ name: 'a/' }, { name: 'a/' }, { name: 'a/x', content: 'x' }])).files).toHaveLength(1);
  });

  it('escapes and shortens the name in the reason', async () => {
    const message = await reason(inspectRaw([{ name: `../${'\u001b[31m'.repeat(100)}` }]));
    expect(message).toContain('\\u001b');
    expect(message.length).toBeLessThan(400);
  });
});
