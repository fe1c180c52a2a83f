import { describe, expect, it } from 'vitest';
import { bytesBeyond } from './limits.js';

describe('bytesBeyond', () => {
  it.each<[string, unknown]>([
    ['text', 'ü'.repeat(500)],
    ['escapes', '\u0001'.repeat(200)],
    ['a list', Array.from({ length: 300 }, () => 1e-7 / 3)],
    ['an object', Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`key "${index}"`, null]))],
    ['nested parts', { a: [{ b: ['text', true, { c: -1.5e300 }] }, Array.from({ length: 90 }, () => 'x')] }],
  ])('tells the bytes of %s exactly, and nothing within the limit', (_, value) => {
    const bytes = Buffer.byteLength(JSON.stringify(value));
    expect(bytesBeyond(bytes - 1, value)).toBe(bytes);
    expect(bytesBeyond(bytes, value)).toBeUndefined();
  });
});
