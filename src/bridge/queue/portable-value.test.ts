import { expect, test } from 'vitest';
import { MAX_DEPTH, portabilityIssue } from './portable-value.js';

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level += 1) {
    value = [value];
  }
  return value;
}

test.each([
  [{ text: 'ü😀', list: [1, -0, 1e300, null, true, { deep: {} }] }],
  [nested(MAX_DEPTH)],
  [new Date(Number.NaN)],
  [undefined],
])('%j may cross', (value) => {
  expect(portabilityIssue(value)).toBeUndefined();
});

test.each([
  ['half of a pair', { a: ['x', '\ud83d'] }, 'a/1', 'surrogate'],
  ['the other half', '\ude00', '', 'surrogate'],
  ['a key with half of a pair', { a: { '\ud83d': 1 } }, 'a', 'surrogate'],
  ['NaN', { a: Number.NaN }, 'a', 'NaN is not JSON'],
  ['infinity', [Number.POSITIVE_INFINITY], '0', 'Infinity is not JSON'],
  ['__proto__', JSON.parse('{"a":{"__proto__":{"admin":true}}}'), 'a', '__proto__'],
])('%s is refused with its path', (_, value, path, message) => {
  const issue = portabilityIssue(value);
  expect(issue?.keys.join('/')).toBe(path);
  expect(issue?.message).toContain(message);
});

test.each([[MAX_DEPTH + 1], [100_000]])('%i levels are refused without an overflow', (levels) => {
  expect(portabilityIssue(nested(levels))?.message).toContain(`${MAX_DEPTH} levels`);
});
