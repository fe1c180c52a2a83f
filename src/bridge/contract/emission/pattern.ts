/** A regular expression cannot be written so that JavaScript, Python and Rust all mean the same by it. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
  /** What the author of the contract can write instead. */
  readonly wayOut: string;

  constructor(reason: string, wayOut: string) {
    super(reason);
    this.wayOut = wayOut;
  }
}

/** What JavaScript means by `\s`; Python's and Rust's `\s` differ from it, and from each other, in both directions. */
const WHITE_SPACE = String.raw`\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff`;

/** What `\d \w \s` mean in JavaScript, as the inside of a character class. */
const SHORTHANDS: Readonly<Record<string, string>> = { d: '0-9', w: 'A-Za-z0-9_', s: WHITE_SPACE };

/** Any character at all: `[^]` and `[\s\S]` are not understood everywhere. */
const ANY = String.raw`(?:[^\n]|\n)`;

/** How many characters a pattern may spell out at most when its counts are multiplied: Rust's engine takes a few more. */
const MOST_CHARACTERS = 100_000;

const SYNTAX_CHARACTERS = new Set('\\^$.*+?()[]{}|');

/** `&&`, `~~` and `||` are set operations inside a class in Rust or, some day, in Python; in hex they never are. */
const SET_OPERATORS = new Set('&~|');

/**
 * Rewrites the source of a JavaScript regular expression into the subset that means the same to JavaScript (with the `u`
 * flag), to Python's `re` and to Rust's `fancy-regex`.
 *
 * @param unicode - whether the original means code points (flag `u`); without it, constructs that match by UTF-16 unit
 *   are refused, for the other languages know only code points.
 * @throws {@link PatternError} for what has no portable equivalent.
 */
export function portablePattern(source: string, unicode: boolean): string {
  return new PatternRewriter(source, unicode).rewrite();
}

/** A group while it is read. */
interface Group {
  /** How many characters it spells out so far. */
  size: number;
  /** Whether it takes any of the text so far; a look-ahead in it takes none. */
  consumes: boolean;
  looksAhead: boolean;
}

class PatternRewriter {
  /** By code point, so that an astral character is one element. */
  readonly #chars: readonly string[];
  readonly #unicode: boolean;
  #at = 0;
  /** The groups that are open, the pattern itself first. */
  readonly #open: Group[] = [{ size: 0, consumes: false, looksAhead: false }];
  /** What a quantifier would repeat. */
  #last = { size: 0, consumes: false };

  constructor(source: string, unicode: boolean) {
    this.#chars = [...source];
    this.#unicode = unicode;
  }

  rewrite(): string {
    let out = '';
    while (this.#at < this.#chars.length) {
      out += this.#term();
    }
    if (!compiles(out)) {
      throw repeatsNothing();
    }
    return out;
  }

  /** Takes note of something that a quantifier may follow. */
  #grow(size: number, consumes = true): void {
    this.#last = { size, consumes };
    const group = this.#open.at(-1) as Group;
    group.size += size;
    group.consumes ||= consumes;
    if (group.size > MOST_CHARACTERS) {
      throw new PatternError(
        `its counts multiply to more than ${MOST_CHARACTERS} characters, which not every engine takes`,
        'smaller counts, or .max(…) for the length as a whole',
      );
    }
  }

  #term(): string {
    const char = this.#next();
    switch (char) {
      case '$':
        // Python's `$` also matches before a final newline.
        return String.raw`$(?!\n)`;
      case '.':
        this.#requireUnicode("'.'");
        this.#grow(1);
        return String.raw`[^\n\r\u2028\u2029]`;
      case '(':
        return this.#groupStart();
      case ')': {
        const { size, consumes, looksAhead } = this.#open.pop() as Group;
        this.#grow(size, consumes && !looksAhead);
        return char;
      }
      case '[':
        this.#grow(1);
        return this.#characterClass();
      case '\\':
        this.#grow(1);
        return this.#escape();
      case '{':
        return this.#quantifier() ?? String.raw`\{`;
      case ']':
      case '}':
        return `\\${char}`;
      case '^':
      case '|':
        return char;
      case '*':
      case '+':
      case '?':
        this.#requireConsumption();
        return char;
      default:
        this.#grow(1);
        return this.#literal(char);
    }
  }

  #groupStart(): string {
    const group = { size: 0, consumes: false, looksAhead: false };
    this.#open.push(group);
    if (this.#peek() !== '?') {
      return '(';
    }
    this.#next();
    const kind = this.#next();
    group.looksAhead = kind === '=' || kind === '!';
    if (kind === ':' || kind === '=' || kind === '!') {
      return `(?${kind}`;
    }
    if (kind !== '<') {
      throw new PatternError('it sets flags inside a group', 'spell out the alternatives, for example [Aa] for (?i:a)');
    }
    if (this.#peek() === '=' || this.#peek() === '!') {
      throw new PatternError(
        'it looks behind, which not every engine can',
        'match what comes before as part of the pattern',
      );
    }
    while (this.#next() !== '>') {
      // The name of the group: nobody reads it, and Python writes it differently.
    }
    return '(';
  }

  #quantifier(): string | undefined {
    const rest = this.#chars.slice(this.#at).join('');
    const bounds = /^\d+(?:,\d*)?\}/.exec(rest)?.[0];
    if (bounds === undefined) {
      return undefined;
    }
    this.#requireConsumption();
    this.#at += bounds.length;
    const most = Number(/(\d+),?\}$/.exec(bounds)?.[1] ?? 1);
    this.#grow(this.#last.size * Math.max(most - 1, 0));
    return `{${bounds}`;
  }

  /** An escape outside a class. */
  #escape(): string {
    const char = this.#peek();
    if (char === 'b' || char === 'B') {
      throw new PatternError(
        `it uses \\${char}, and what a word is differs between languages`,
        'name the characters that may stand there, for example (?:^|[^A-Za-z0-9_])',
      );
    }
    const shorthand = this.#shorthand();
    if (shorthand !== undefined) {
      if (shorthand.negated) {
        this.#requireUnicode(`\\${shorthand.letter.toUpperCase()}`);
      }
      return shorthand.negated ? `[^${shorthand.members}]` : `[${shorthand.members}]`;
    }
    return this.#escapedCharacter(false);
  }

  /** `\d \w \s` and their negations; undefined when the next character is none of them. */
  #shorthand(): { letter: string; members: string; negated: boolean } | undefined {
    const char = this.#peek();
    const letter = char.toLowerCase();
    const members = Object.hasOwn(SHORTHANDS, letter) ? SHORTHANDS[letter] : undefined;
    if (members === undefined) {
      return undefined;
    }
    this.#next();
    return { letter, members, negated: char !== letter };
  }

  /** An escape that stands for one character. */
  #escapedCharacter(inClass: boolean): string {
    const char = this.#next();
    switch (char) {
      case 't':
      case 'n':
      case 'r':
      case 'f':
      case 'v':
        return `\\${char}`;
      case 'x':
        return this.#hex(2) ?? 'x';
      case 'u':
        return this.#unicodeEscape(inClass);
      case 'p':
      case 'P':
        throw new PatternError(
          `it uses \\${char}{…}, and the Unicode tables differ between languages and versions`,
          'name the ranges of characters that you mean',
        );
      case 'c':
        throw new PatternError('it uses a control escape \\c', 'write the character as \\xHH');
      case 'k':
        throw new PatternError('it refers back to a group', 'spell out what may stand there');
      default:
        break;
    }
    if (char === '0' && !/\d/.test(this.#peek())) {
      return String.raw`\x00`;
    }
    if (/\d/.test(char)) {
      throw new PatternError('it refers back to a group, or has an octal escape', 'spell out what may stand there');
    }
    return this.#literal(char, inClass);
  }

  #hex(digits: number): string | undefined {
    const code = this.#chars.slice(this.#at, this.#at + digits).join('');
    if (!new RegExp(`^[0-9a-fA-F]{${digits}}$`).test(code)) {
      return undefined;
    }
    this.#at += digits;
    return digits === 2 ? `\\x${code}` : `\\u${code}`;
  }

  #unicodeEscape(inClass: boolean): string {
    const rest = this.#chars.slice(this.#at).join('');
    // `\u{1F600}`, or the same as a pair of surrogates; without the u flag, neither is one character to JavaScript.
    const braced = /^\{([0-9a-fA-F]+)\}/.exec(rest);
    const pair = /^([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})/.exec(rest);
    const found = braced ?? pair;
    if (found === null) {
      const escaped = this.#hex(4) ?? 'u';
      if (/^\\u[dD][89a-fA-F]/.test(escaped)) {
        throw new PatternError('it names half of a surrogate pair', 'write the whole character, with the u flag');
      }
      return escaped;
    }
    this.#requireUnicode('an escape of more than four hex digits');
    this.#at += found[0].length;
    const point = braced
      ? Number.parseInt(braced[1] ?? '', 16)
      : (Number.parseInt(pair?.[1] ?? '', 16) - 0xd800) * 0x400 + Number.parseInt(pair?.[2] ?? '', 16) + 0x2400;
    return this.#literal(String.fromCodePoint(point), inClass);
  }

  #characterClass(): string {
    const negated = this.#peek() === '^';
    if (negated) {
      this.#next();
    }
    const shorthands = new Set<string>();
    let members = '';
    while (this.#peek() !== ']') {
      const member = this.#classMember();
      members += member.text;
      if (member.shorthand !== undefined) {
        shorthands.add(member.shorthand);
      }
    }
    this.#next();

    if (members === '' && shorthands.size === 0) {
      if (!negated) {
        throw new PatternError('its empty class [] matches nothing', 'remove the class');
      }
      this.#requireUnicode('[^]');
      return ANY;
    }
    const negations = [...shorthands].filter((letter) => letter !== letter.toLowerCase());
    if (negations.length > 0) {
      const everything = negations.some((letter) => shorthands.has(letter.toLowerCase()));
      if (everything && !negated) {
        // Any number of units is any number of characters; a counted number is not.
        if (!this.#repeatsFreely()) {
          this.#requireUnicode('any character, counted,');
        }
        return ANY;
      }
      throw new PatternError(
        `it has \\${negations[0]} inside a class, which cannot be spelled out`,
        'turn the class around, for example [^0-9] for [\\D]',
      );
    }
    if (negated) {
      this.#requireUnicode('a negated class');
    }
    return `[${negated ? '^' : ''}${members}]`;
  }

  /** Whether what stands before is repeated without a limit, and at least once at most. */
  #repeatsFreely(): boolean {
    return /^(?:[*+]|\{[01],\})/.test(this.#chars.slice(this.#at, this.#at + 4).join(''));
  }

  /** One member of a class, or a range of two. */
  #classMember(): { text: string; shorthand?: string } {
    const first = this.#classAtom();
    if (first.shorthand !== undefined || this.#peek() !== '-' || this.#peek(1) === ']') {
      return first;
    }
    this.#next();
    const last = this.#classAtom();
    if (last.shorthand !== undefined) {
      // `[a-\d]`: outside of a range the hyphen is a character.
      return { text: `${first.text}\\-${last.text}`, shorthand: last.shorthand };
    }
    return { text: `${first.text}-${last.text}` };
  }

  /** @returns the text of the member and, for `\d` and its like, the letter. A negation's text is left out: see above. */
  #classAtom(): { text: string; shorthand?: string } {
    const char = this.#next();
    if (char !== '\\') {
      return { text: this.#literal(char, true) };
    }
    if (this.#peek() === 'b') {
      this.#next();
      return { text: String.raw`\x08` };
    }
    const shorthand = this.#shorthand();
    if (shorthand === undefined) {
      return { text: this.#escapedCharacter(true) };
    }
    return shorthand.negated
      ? { text: '', shorthand: shorthand.letter.toUpperCase() }
      : { text: shorthand.members, shorthand: shorthand.letter };
  }

  #literal(char: string, inClass = false): string {
    if ((char.codePointAt(0) ?? 0) > 0xffff) {
      this.#requireUnicode('a character beyond U+FFFF');
    }
    if (inClass && SET_OPERATORS.has(char)) {
      return `\\x${char.charCodeAt(0).toString(16)}`;
    }
    const escaped = inClass ? '\\]['.includes(char) || char === '^' || char === '-' : SYNTAX_CHARACTERS.has(char);
    return escaped ? `\\${char}` : char;
  }

  /** Rust's engine repeats nothing that takes no characters. */
  #requireConsumption(): void {
    if (!this.#last.consumes) {
      throw repeatsNothing();
    }
  }

  #requireUnicode(what: string): void {
    if (!this.#unicode) {
      throw new PatternError(
        `without the u flag, ${what} matches UTF-16 units and not characters`,
        `add the flag: /${this.#chars.join('')}/u`,
      );
    }
  }

  #peek(ahead = 0): string {
    return this.#chars[this.#at + ahead] ?? '';
  }

  #next(): string {
    const char = this.#peek();
    this.#at += 1;
    return char;
  }
}

function repeatsNothing(): PatternError {
  return new PatternError('it repeats what takes no characters', 'repeat a group that takes some, not a look-ahead');
}

function compiles(pattern: string): boolean {
  try {
    new RegExp(pattern, 'u');
    return true;
  } catch {
    return false;
  }
}
