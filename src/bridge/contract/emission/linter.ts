import type { Finding } from './finding.js';
import { type FixedRule, REMEDIES, type Remedy } from './remedies.js';

/** Gathers findings and patterns while a schema is emitted. */
export class Linter {
  readonly #findings = new Map<string, Finding>();
  readonly #patterns = new Map<string, RegExp>();
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

  /** Remembers a regular expression of the author's, and reports flags that emission would drop. */
  notePattern(pattern: RegExp, path: string): void {
    const flags = pattern.flags.replace('u', '');
    if (flags !== '') {
      this.reportWith(path, 'flags', {
        reason: `JSON Schema has no regex flags, and the pattern has '${flags}'`,
        wayOut: 'spell it out, for example [Aa] for a case-insensitive a',
      });
    }
    this.#patterns.set(pattern.source, pattern);
  }

  /** The regular expression that has this source; undefined when the converter made the pattern itself. */
  patternOf(source: string): RegExp | undefined {
    return this.#patterns.get(source);
  }
}
