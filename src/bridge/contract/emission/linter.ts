import type { TypeScriptOnlyCheck } from './exception.js';
import type { Finding } from './finding.js';
import { PatternError, portablePattern } from './pattern.js';
import { type FixedRule, REMEDIES, type Remedy } from './remedies.js';

/** Gathers findings, exceptions and patterns while a schema is emitted. */
export class Linter {
  readonly #findings = new Map<string, Finding>();
  readonly #patterns = new Map<string, RegExp>();
  /** Checks that are made in TypeScript only, as the author has said. */
  readonly exceptions: TypeScriptOnlyCheck[] = [];
  /** Set when the schema has a codec anywhere. */
  sawCodec = false;

  /** The findings so far, each once, ordered by path. */
  get findings(): readonly Finding[] {
    return [...this.#findings.values()].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  }

  /** Records a finding whose remedy is the rule's own. */
  report(path: string, rule: FixedRule): void {
    this.reportWith(path, rule, REMEDIES[rule]);
  }

  /** Records a finding whose remedy depends on what was found. */
  reportWith(path: string, rule: string, remedy: Remedy): void {
    this.#findings.set(`${path}\n${rule}`, { path, rule, ...remedy });
  }

  /**
   * Remembers a regular expression that zod runs.
   *
   * @returns why emission cannot carry it, by rule.
   */
  examinePattern(pattern: RegExp): Map<'flags' | 'pattern', Remedy> {
    const faults = new Map<'flags' | 'pattern', Remedy>();
    const flags = pattern.flags.replace('u', '');
    if (flags !== '') {
      faults.set('flags', {
        reason: `JSON Schema has no regex flags, and the pattern has '${flags}'`,
        wayOut: 'spell it out, for example [Aa] for a case-insensitive a',
      });
    }
    const remedy = unportable(pattern.source, pattern.unicode);
    if (remedy !== undefined) {
      faults.set('pattern', remedy);
    }
    // Of two with one source, the one without the u flag: what holds for it holds for the other.
    if (this.#patterns.get(pattern.source)?.unicode !== false) {
      this.#patterns.set(pattern.source, pattern);
    }
    return faults;
  }

  /** The regular expression that has this source; undefined when the converter made the pattern itself. */
  patternOf(source: string): RegExp | undefined {
    return this.#patterns.get(source);
  }
}

/** What to say of a pattern that has no portable form; undefined for one that has. */
export function unportable(source: string, unicode: boolean): Remedy | undefined {
  try {
    portablePattern(source, unicode);
    return undefined;
  } catch (error) {
    if (!(error instanceof PatternError)) {
      throw error;
    }
    return { reason: `the pattern /${source}/ is not portable: ${error.message}`, wayOut: error.wayOut };
  }
}
