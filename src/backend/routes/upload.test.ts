import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { apiFixture, call, upload } from '../testing/api.js';
import { type RawEntry, writeRawZip, writeZip } from '../testing/archives.js';

function stored(storageDir: string): string[] {
  return existsSync(storageDir) ? readdirSync(storageDir) : [];
}

describe('POST /api/batches', () => {
  it('stores the archive and a queued batch', async () => {
    const { baseUrl, folder, read, storage } = await apiFixture();
    const path = await writeZip(join(folder, 'a.zip'), { 'a.txt': 'a' });
    const { status, body } = await upload(baseUrl, path, 'C:\\My files\\Ångström\u0007.zip');
    expect(status).toBe(201);
    expect(body).toEqual({ id: expect.stringMatching(/^[0-9a-f-]{36}$/), status: 'queued' });
    expect(await read(body.id)).toMatchObject({
      filename: 'Ångström.zip',
      status: 'queued',
      run: 0,
      storage_path: storage.uploadPath(body.id),
    });
    expect(readFileSync(storage.uploadPath(body.id))).toEqual(readFileSync(path));
  });

  const hostile: [string, RawEntry[], RegExp][] = [
    ['an empty archive', [], /^The ZIP file is empty$/],
    ['only folders', [{ name: 'a/' }], /^The ZIP file holds only folders$/],
    ['traversal', [{ name: '../../evil.txt', content: 'x' }], /^Path leaves the archive: "\.\.\/\.\.\/evil\.txt"$/],
    ['an absolute path', [{ name: '/etc/evil', content: 'x' }], /^Absolute path in the archive/],
    ['a Windows drive', [{ name: 'C:\\evil', content: 'x' }], /^Absolute path in the archive/],
    ['a symbolic link', [{ name: 'link', content: '/etc/passwd', mode: 0o120777 }], /^Symbolic link in the archive/],
    [
      'a bomb',
      [{ name: 'bomb', content: Buffer.alloc(32 * 1024 * 1024) }],
      /^Inflates to more than 100 times its size/,
    ],
    ['an encrypted entry', [{ name: 'a', content: 'x', flags: 1 }], /^Encrypted entry/],
    ['duplicate names', [{ name: 'a' }, { name: './a' }], /^Two entries of one name/],
  ];

  it.each(hostile)('rejects %s with the reason and keeps nothing of it', async (_what, entries, reason) => {
    const { baseUrl, folder, storageDir, read } = await apiFixture();
    const path = await writeRawZip(join(folder, 'a.zip'), entries);
    const before = readdirSync(folder).sort();
    const { status, body } = await upload(baseUrl, path);
    expect(status).toBe(422);
    expect(body).toEqual({ id: expect.any(String), status: 'rejected', reason: expect.stringMatching(reason) });
    expect(await read(body.id)).toMatchObject({ status: 'rejected', reason: body.reason });
    expect(stored(storageDir)).toEqual([]);
    expect([...new Set([...before, 'storage'])].sort()).toEqual(readdirSync(folder).sort());
  });

  it('rejects what is not a ZIP file', async () => {
    const { baseUrl, folder, storageDir } = await apiFixture();
    writeFileSync(join(folder, 'a.zip'), 'Dear Sir or Madam');
    const { status, body } = await upload(baseUrl, join(folder, 'a.zip'));
    expect([status, body.reason]).toEqual([422, 'Not a ZIP file']);
    expect(stored(storageDir)).toEqual([]);
  });

  it('rejects too many entries', async () => {
    const { baseUrl, folder } = await apiFixture();
    const files = Object.fromEntries(Array.from({ length: 2_001 }, (_, n) => [`${n}`, '']));
    const { status, body } = await upload(baseUrl, await writeZip(join(folder, 'a.zip'), files));
    expect([status, body.reason]).toEqual([422, 'Too many entries: 2001, at most 2000 are accepted']);
  });

  it('refuses a file over the limit and keeps nothing of it', async () => {
    const { baseUrl, folder, storageDir, batches, database } = await apiFixture({ maxUploadBytes: 1000 });
    writeFileSync(join(folder, 'a.zip'), Buffer.alloc(3_000_000));
    const { status, body } = await upload(baseUrl, join(folder, 'a.zip'));
    expect([status, body]).toEqual([413, { error: 'The file is larger than 1000 bytes' }]);
    expect(stored(storageDir)).toEqual([]);
    expect(await database.selectFrom('batches').selectAll().execute()).toEqual([]);
    await batches.ping();
  });

  it('takes one file, not two', async () => {
    const { baseUrl, folder, storageDir } = await apiFixture();
    const path = await writeZip(join(folder, 'a.zip'), { 'a.txt': 'a' });
    const form = new FormData();
    form.append('file', new Blob([readFileSync(path)]), 'a.zip');
    form.append('file', new Blob([readFileSync(path)]), 'b.zip');
    const { status, body } = await call(baseUrl, 'POST', '/api/batches', form);
    expect([status, body]).toEqual([400, { error: 'Send one ZIP file and nothing else' }]);
    expect(stored(storageDir)).toEqual([]);
  });

  it('wants a file', async () => {
    const { baseUrl } = await apiFixture();
    const form = new FormData();
    form.append('note', 'no file');
    const { status, body } = await call(baseUrl, 'POST', '/api/batches', form);
    expect([status, body]).toEqual([400, { error: 'The form holds no file' }]);
  });

  it.each([
    ['application/json', '{}'],
    ['application/zip', 'PK'],
  ])('wants a form, not %s', async (type, content) => {
    const { baseUrl } = await apiFixture();
    const { status, body } = await call(baseUrl, 'POST', '/api/batches', content, { 'content-type': type });
    expect(status).toBe(415);
    expect(body.error).toMatch(/multipart|Unsupported Media Type/);
  });

  it('keeps nothing of an upload that breaks off', async () => {
    const { baseUrl, storageDir, database, server } = await apiFixture();
    const socket = connect(Number(new URL(baseUrl).port), '127.0.0.1');
    socket.on('error', () => {});
    socket.write(
      [
        'POST /api/batches HTTP/1.1',
        'Host: localhost',
        'Content-Type: multipart/form-data; boundary=frontier',
        'Content-Length: 100000',
        '',
        '--frontier',
        'Content-Disposition: form-data; name="file"; filename="a.zip"',
        'Content-Type: application/zip',
        '',
        'PK\u0003\u0004',
      ].join('\r\n'),
    );
    socket.write('x'.repeat(70_000));
    await vi.waitFor(() => expect(stored(storageDir)).toHaveLength(1));
    socket.destroy();
    await vi.waitFor(() => expect(stored(storageDir)).toEqual([]));
    expect(await database.selectFrom('batches').selectAll().execute()).toEqual([]);
    expect(server.server.listening).toBe(true);
  });
});
