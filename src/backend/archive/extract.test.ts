import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { type RawEntry, writeRawZip, writeZip } from '../testing/archives.js';
import { temporaryFolder } from '../testing/folder.js';
import { extractArchive } from './extract.js';
import { type ArchiveLimits, defaultArchiveLimits } from './limits.js';
import { ArchiveRefused } from './refusal.js';

vi.mock('node:crypto', async (load) => {
  const crypto = await load<typeof import('node:crypto')>();
  return { ...crypto, randomUUID: vi.fn(crypto.randomUUID) };
});

const mebibyte = 1024 * 1024;
const twice = '00000000-0000-4000-8000-000000000000';

/** Extracts a hand-made archive that must be refused; checks that nothing stays behind; gives the reason. */
async function refusal(entries: RawEntry[], limits: Partial<ArchiveLimits> = {}): Promise<string> {
  const root = temporaryFolder();
  const path = await writeRawZip(join(root, 'upload.zip'), entries);
  const error = await extractArchive(path, join(root, 'batch', 'files'), { ...defaultArchiveLimits, ...limits }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ArchiveRefused);
  expect(existsSync(join(root, 'batch', 'files'))).toBe(false);
  expect(readdirSync(root).sort()).toEqual(['batch', 'upload.zip']);
  return (error as Error).message;
}

describe('extractArchive', () => {
  it('stores files under generated names with their content', async () => {
    const root = temporaryFolder();
    const content = Buffer.from('hello, world\n'.repeat(10_000));
    const path = await writeZip(join(root, 'upload.zip'), {
      'a.TXT': content,
      'b/évil;name.sh?x': 'two',
      '__MACOSX/._a': 'junk',
      'c/': '',
    });
    const files = await extractArchive(path, join(root, 'files'), defaultArchiveLimits);
    expect(files.map(({ name, bytes }) => ({ name, bytes }))).toEqual([
      { name: 'a.TXT', bytes: content.length },
      { name: 'b/évil;name.sh?x', bytes: 3 },
    ]);
    for (const file of files) {
      expect(dirname(file.path)).toBe(join(root, 'files'));
      expect(file.path).toMatch(/\/[0-9a-f-]{36}(\.txt)?$/);
      expect(file.path).toContain(file.docId);
    }
    expect(readFileSync(files[0]?.path ?? '')).toEqual(content);
    expect(readdirSync(join(root, 'files'))).toHaveLength(2);
  });

  it('reads stored entries as well as deflated ones', async () => {
    const root = temporaryFolder();
    const path = await writeRawZip(join(root, 'upload.zip'), [{ name: 'a', content: 'plain', method: 0 }]);
    const [file] = await extractArchive(path, join(root, 'files'), defaultArchiveLimits);
    expect(readFileSync(file?.path ?? '', 'utf8')).toBe('plain');
  });

  it('gives no files for an archive of junk', async () => {
    const root = temporaryFolder();
    const path = await writeZip(join(root, 'upload.zip'), { '__MACOSX/._a': 'junk', '.DS_Store': 'x' });
    expect(await extractArchive(path, join(root, 'files'), defaultArchiveLimits)).toEqual([]);
  });

  it('stops a bomb whose header states a small size', async () => {
    const bomb = { name: 'bomb', content: Buffer.alloc(64 * mebibyte), statedSize: 10 };
    expect(await refusal([{ name: 'good.txt', content: 'good' }, bomb])).toBe(
      'Inflates to more than its header says: "bomb"',
    );
  });

  it('counts inflated bytes itself, so that lying headers do not pass the limit', async () => {
    const liar = { content: Buffer.alloc(1500, 1), method: 8, statedSize: 400 };
    expect(await refusal([{ name: 'a', ...liar }], { inflatedBytes: 1000 })).toBe('Inflates to more than 1000 bytes');
  });

  it('counts the bytes of all entries together', async () => {
    const half = { content: Buffer.alloc(600, 1), statedSize: 600 };
    const liar = { content: Buffer.alloc(600, 1), statedSize: 100 };
    expect(
      await refusal(
        [
          { name: 'a', ...half },
          { name: 'b', ...liar },
        ],
        { inflatedBytes: 1000 },
      ),
    ).toBe('Inflates to more than 1000 bytes');
  });

  it('asks for the ratio of the bytes that really come out', async () => {
    const liar = { name: 'a', content: Buffer.alloc(100_000), statedSize: 900 };
    expect(await refusal([liar], { ratioFloorBytes: 1000 })).toBe('Inflates to more than 100 times its size: "a"');
  });

  it('refuses an entry that is shorter than its header says', async () => {
    expect(await refusal([{ name: 'a', content: 'abc', statedSize: 5 }])).toMatch(/shorter than its header says/);
  });

  it('refuses an entry with a wrong checksum', async () => {
    expect(await refusal([{ name: 'a', content: 'abc', statedChecksum: 1 }])).toMatch(/wrong checksum/);
  });

  it('refuses an entry whose compressed data is broken', async () => {
    const data = Buffer.concat([deflateRawSync(Buffer.from('abc'.repeat(100))).subarray(0, 4), Buffer.alloc(8, 0xff)]);
    expect(await refusal([{ name: 'a', content: 'abc'.repeat(100), data }])).toMatch(/^Damaged entry "a"/);
  });

  it('judges the directory again: a traversal is refused here too', async () => {
    const root = temporaryFolder();
    const path = await writeRawZip(join(root, 'upload.zip'), [{ name: '../evil', content: 'x' }]);
    await expect(extractArchive(path, join(root, 'files'), defaultArchiveLimits)).rejects.toThrow(/leaves the archive/);
    expect(readdirSync(root)).toEqual(['upload.zip']);
  });

  it('stops when asked to and leaves nothing behind', async () => {
    const root = temporaryFolder();
    const path = await writeZip(join(root, 'upload.zip'), { 'a.txt': 'x' });
    const stopped = extractArchive(path, join(root, 'files'), defaultArchiveLimits, AbortSignal.abort());
    await expect(stopped).rejects.toThrow(/abort/i);
    expect(readdirSync(root)).toEqual(['upload.zip']);
  });

  it('does not blame the archive when the disk refuses', async () => {
    const root = temporaryFolder();
    const path = await writeZip(join(root, 'upload.zip'), { 'a.txt': 'x', 'b.txt': 'x' });
    // Two files of one name: the second cannot be created.
    vi.mocked(randomUUID).mockReturnValueOnce(twice).mockReturnValueOnce(twice);
    const failed = extractArchive(path, join(root, 'files'), defaultArchiveLimits);
    await expect(failed).rejects.not.toBeInstanceOf(ArchiveRefused);
    await expect(failed).rejects.toMatchObject({ code: 'EEXIST' });
    expect(readdirSync(root)).toEqual(['upload.zip']);
  });
});
