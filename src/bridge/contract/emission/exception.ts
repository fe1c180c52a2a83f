/** The keyword of emitted schemas under which a check that only TypeScript makes is recorded. Validators ignore it. */
export const TYPESCRIPT_ONLY_KEYWORD = 'x-checkedInTypeScriptOnly';

/** Rules about a check that Python cannot make. What they refuse, an author may admit as checked in TypeScript only. */
const EXCUSABLE_RULES = new Set([
  'refine',
  'format',
  'pattern',
  'flags',
  'position',
  'multiple-of',
  'codec',
  'partial-codec',
]);

/** A check that the author of a contract has admitted to be made in TypeScript only. */
export interface TypeScriptOnlyCheck {
  /** Where in the payload, for example `files[].name`; empty for the payload itself. */
  readonly path: string;
  /** What is checked, in the author's words. */
  readonly check: string;
}

/** The author's word that a check is made in TypeScript only, while it is looked for what it excuses. */
export class Excuse {
  readonly check: string;
  /** Whether it has excused anything. */
  used = false;

  constructor(check: string) {
    this.check = check;
  }

  /** Whether it excuses what a rule refuses. */
  covers(rule: string): boolean {
    if (!EXCUSABLE_RULES.has(rule)) {
      return false;
    }
    this.used = true;
    return true;
  }
}
