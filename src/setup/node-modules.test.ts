import { expect, test } from 'vitest';
import { matches } from './node-modules.mjs';

const zod = { version: '4.6.7', integrity: 'sha512-abc' };
const wanted = { packages: { '': { version: '0.1.0' }, 'node_modules/zod': zod } };

test('what is installed as locked is left alone', () => {
  expect(matches(wanted, { packages: { 'node_modules/zod': zod } })).toBe(true);
});

test('a package too many does not matter', () => {
  expect(matches(wanted, { packages: { 'node_modules/zod': zod, 'node_modules/old': { version: '1.0.0' } } })).toBe(
    true,
  );
});

test.each([
  ['is missing', {}],
  ['has another version', { 'node_modules/zod': { ...zod, version: '4.6.6' } }],
  ['has another content', { 'node_modules/zod': { ...zod, integrity: 'sha512-def' } }],
])('a package that %s calls for an installation', (_, packages) => {
  expect(matches(wanted, { packages })).toBe(false);
});

test('a package for another platform may be missing', () => {
  const forMac = { version: '1.0.0', optional: true };
  const withMac = { packages: { ...wanted.packages, 'node_modules/for-mac': forMac } };
  expect(matches(withMac, { packages: { 'node_modules/zod': zod } })).toBe(true);
});
