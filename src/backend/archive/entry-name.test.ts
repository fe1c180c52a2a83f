import { describe, expect, it } from 'vitest';
import { isJunk, normaliseEntryName, safeExtension } from './entry-name.js';

describe('normaliseEntryName', () => {
  it.each([
    ['report.pdf', 'report.pdf'],
    ['a/b/report.pdf', 'a/b/report.pdf'],
    ['./a//b/./report.pdf', 'a/b/report.pdf'],
    ['folder/', 'folder'],
    ['..report', '..report'],
    ['a..b/c', 'a..b/c'],
    ['re\u0301sume\u0301.txt', 'r\u00e9sum\u00e9.txt'],
    ['日本語/書類.csv', '日本語/書類.csv'],
  ])('brings %j into the form %j', (name, normalised) => {
    expect(normaliseEntryName(name)).toBe(normalised);
  });

  it.each([
    ['../evil.txt', /leaves the archive/],
    ['a/../../evil.txt', /leaves the archive/],
    ['a/..', /leaves the archive/],
    ['..\\evil.txt', /leaves the archive/],
    ['/etc/passwd', /Absolute path/],
    ['\\\\server\\share\\x', /Absolute path/],
    ['\\windows\\x', /Absolute path/],
    ['C:\\windows\\x', /Absolute path/],
    ['c:/windows/x', /Absolute path/],
    ['c:x', /Absolute path/],
    ['folder\\file.txt', /Backslash/],
    ['a\u0000.txt', /control character/],
    ['a\nb.txt', /control character/],
    ['', /without a name/],
    ['./', /without a name/],
    ['x'.repeat(1025), /too long/],
  ])('refuses %j', (name, reason) => {
    expect(() => normaliseEntryName(name)).toThrow(reason);
  });
});

describe('isJunk', () => {
  it.each(['__MACOSX/._a.pdf', 'a/__MACOSX/b', '.DS_Store', 'a/.DS_Store', '.git/config', 'a/.hidden', 'Thumbs.db'])(
    'ignores %s',
    (name) => {
      expect(isJunk(name)).toBe(true);
    },
  );

  it.each(['a.pdf', 'MACOSX/a.pdf', 'a/b.c/d', 'thumbs.db.pdf'])('keeps %s', (name) => {
    expect(isJunk(name)).toBe(false);
  });
});

describe('safeExtension', () => {
  it.each([
    ['a.PDF', '.pdf'],
    ['a/b.tar.gz', '.gz'],
    ['a.pdf;rm', ''],
    ['a', ''],
    ['.pdf', ''],
    ['a/.pdf', ''],
    ['a.', ''],
    ['a.verylongextension', ''],
    ['a.p df', ''],
  ])('takes from %j the extension %j', (name, extension) => {
    expect(safeExtension(name)).toBe(extension);
  });
});
