import { describe, expect, it } from 'vitest';
import { PatternError, portablePattern } from './pattern.js';

const rewrite = (regex: RegExp) => portablePattern(regex.source, regex.unicode);

describe('portablePattern', () => {
  it.each<[string, RegExp, string]>([
    ['keeps what means the same everywhere', /^[a-z]+(?:-[a-z]{2,3}|_)*?/, '^[a-z]+(?:-[a-z]{2,3}|_)*?'],
    ['keeps $ from matching before a final newline', /^a$/, String.raw`^a$(?!\n)`],
    ['spells out \\d', /\d+/, '[0-9]+'],
    ['spells out \\d and \\w in a class', /[\d.\w]/, '[0-9.A-Za-z0-9_]'],
    ['spells out \\D', /\D/u, '[^0-9]'],
    ['spells out the dot', /./u, String.raw`[^\n\r\u2028\u2029]`],
    ['writes any character in a portable way', /[\s\S]/u, String.raw`(?:[^\n]|\n)`],
    [
      'takes units for characters where their number does not matter',
      /[\s\S]*a[\S\s]+/,
      String.raw`(?:[^\n]|\n)*a(?:[^\n]|\n)+`,
    ],
    // biome-ignore lint/correctness/noEmptyCharacterClassInRegex: this is what is tested.
    ['writes [^] as any character', /[^]/u, String.raw`(?:[^\n]|\n)`],
    ['turns a named group into a plain one', /(?<year>\d{4})/, '([0-9]{4})'],
    ['turns \\u{…} into the character', /\u{1F600}/u, '😀'],
    ['turns a surrogate pair into the character', /[\ud83d\ude00]/u, '[😀]'],
    ['keeps four-digit escapes', /\u00e9/, String.raw`\u00e9`],
    ['escapes a brace that is no quantifier', /a{,5}/, String.raw`a\{,5\}`],
    ['escapes a bracket in a class', /[[]/, String.raw`[\[]`],
    ['escapes what is a set operator elsewhere', /[a&&b]/, String.raw`[a\x26\x26b]`],
    ['keeps a hyphen at either end of a class literal', /[-a-]/, String.raw`[\-a\-]`],
    ['keeps a hyphen beside a shorthand literal', /[\d-x]/, String.raw`[0-9\-x]`],
    ['reads \\b in a class as backspace', /[\b]/, String.raw`[\x08]`],
    ['drops escapes that nothing needs', /\/_-/, '/_-'],
    ['keeps look-ahead', /^(?!x)(?=y)/, '^(?!x)(?=y)'],
    ['keeps lazy counts', /(?:(?=a)a){1}?b{0}?/, '(?:(?=a)a){1}?b{0}?'],
    ['writes \\0 in hex', /\0/, String.raw`\x00`],
  ])('%s', (_, regex, expected) => {
    expect(rewrite(regex)).toBe(expected);
  });

  it.each<[string, RegExp, RegExp]>([
    ['\\p{…}', /\p{L}/u, /Unicode tables/],
    ['look-behind', /(?<=a)b/, /looks behind/],
    ['negative look-behind', /(?<!a)b/, /looks behind/],
    ['\\b', /\bword/, /what a word is/],
    ['\\B', /\Bword/, /what a word is/],
    ['\\c', /\cA/, /control escape/],
    ['a back reference', /(a)\1/, /refers back/],
    ['a named back reference', /(?<a>a)\k<a>/, /refers back/],
    ['a negation inside a class', /[\D]/u, /inside a class/],
    // biome-ignore lint/correctness/noEmptyCharacterClassInRegex: this is what is tested.
    ['an empty class', /[]/, /matches nothing/],
    ['half of a surrogate pair', /\ud83d/, /surrogate/],
    ['the dot without the u flag', /^.{1,5}$/, /without the u flag, '\.'/],
    ['a negated class without the u flag', /[^/]/, /without the u flag/],
    ['counts that multiply', /^(?:(?:a{1,100}){1,100}){1,50}$/, /multiply to more than 100000/],
    ['a repeated look-ahead', /(?=a)*b/, /takes no characters/],
    ['a repeated empty group', /[a-](?:)*/, /takes no characters/],
    ['a repeated group of a look-ahead', /^(?:(?=[-a]$)){1}?$/, /takes no characters/],
    ['a repeated group of a negated look-ahead', /(?:(?!x))*?/, /takes no characters/],
    ['a repeated start', /(?:^)?a/, /takes no characters/],
    ['counted units', /^[\s\S]{1,5}$/, /without the u flag, any character, counted,/],
    ['\\S without the u flag', /\S/, /without the u flag/],
    ['an astral character without the u flag', /😀+/, /without the u flag/],
  ])('refuses %s', (_, regex, reason) => {
    expect(() => rewrite(regex)).toThrow(PatternError);
    expect(() => rewrite(regex)).toThrow(reason);
  });

  it('names a way out that works', () => {
    try {
      rewrite(/^[^/]+$/);
      expect.unreachable();
    } catch (error) {
      expect((error as PatternError).wayOut).toBe('add the flag: /^[^/]+$/u');
    }
  });

  it('accepts and refuses the same strings as the original', () => {
    const patterns = [
      /^\d{2,3}$/,
      /^[\w.-]+@[\w-]+\.\w+$/,
      /^\s*\S+\s*$/u,
      /^.+$/u,
      /^[^\d,]+$/u,
      /^(?:a|b{2}|)$/,
      /^[&~|^\]-]+$/,
    ];
    const strings = [
      '12',
      '123\n',
      '٣٤',
      'a.b@c-d.ef',
      'é@b.c',
      '\ufeffx\u00a0',
      'x\u2028',
      '😀',
      'a',
      'bb',
      '',
      '&&',
      '^]-',
      '1,2',
      'b\n',
    ];
    for (const pattern of patterns) {
      const portable = new RegExp(rewrite(pattern), 'u');
      for (const string of strings) {
        expect([pattern.source, string, portable.test(string)]).toEqual([pattern.source, string, pattern.test(string)]);
      }
    }
  });

  it('leaves its own output alone when it means characters', () => {
    const once = rewrite(/^[\w&]+(?<x>\d)[^\s]{2}$/u);
    expect(new RegExp(once, 'u').source).toBe(once);
  });
});
