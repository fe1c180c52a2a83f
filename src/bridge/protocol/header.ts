/** What the comment at the head of a script says about its arguments, reduced to what carries meaning. */
export interface ScriptHeader {
  /** One label per `KEYS[n]` line, in order. */
  readonly keys: readonly string[];
  /** One label per `ARGV[n]` line, in order. */
  readonly args: readonly string[];
}

/** Words that BullMQ's authors add or leave out at will: `'wait',`, `wait key` and `the wait key` are one label. */
const FILLERS = new Set(['key', 'keys', 'stream', 'counter', 'the']);

/** Reads the documented KEYS and ARGV of a script from its leading comment. */
export function readHeader(source: string): ScriptHeader {
  const comment = /--\[\[(.*?)\]\]/s.exec(source)?.[1] ?? '';
  return { keys: labels(comment, 'KEYS'), args: labels(comment, 'ARGV') };
}

/**
 * An argument that is packed out of numbered parts carries their labels too: `msgpacked-arguments-array:prefix,custom-id`.
 * From 5.61 to 5.62 those parts moved while the arguments themselves stayed. A part may be struck out with an x before it.
 */
function labels(comment: string, array: 'KEYS' | 'ARGV'): string[] {
  const line = new RegExp(String.raw`^[ \t]*${array}\[[^\]]+\](.*)$((?:\n[ \tx]*\[\d+\].*$)*)`, 'gm');
  return [...comment.matchAll(line)].map((match) => {
    const parts = [...(match[2] ?? '').matchAll(/^[ \tx]*\[\d+\](.*)$/gm)].map((part) => label(part[1] ?? ''));
    return [label(match[1] ?? ''), parts.join(',')].filter((text) => text !== '').join(':');
  });
}

function label(text: string): string {
  const words = text
    .toLowerCase()
    .replace(/\([^)]*\)/g, ' ')
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '' && !FILLERS.has(word));
  return words.length === 0 ? 'unnamed' : words.join('-');
}
