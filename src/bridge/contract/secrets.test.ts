import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { emitSchema } from './emission/emission.js';
import { Secrets } from './secrets.js';

describe('Secrets', () => {
  it.each([
    ['with a mark of their own', z.string().meta({ secret: true })],
    ['marked in a shared definition', z.string().meta({ id: 'Key', secret: true })],
  ])('takes a record for secret whose keys are %s', (_, key) => {
    const secrets = new Secrets(emitSchema(z.object({ by: z.record(key, z.int()), open: z.int() })).schema);
    expect(secrets.redact({ by: { hunter2: 1 }, open: 1 })).toEqual({ by: '[secret]', open: 1 });
    expect(secrets.depth(['by', 'hunter2'])).toBe(1);
  });

  it('takes a record for open whose keys are', () => {
    const secrets = new Secrets(emitSchema(z.record(z.string(), z.int().meta({ secret: true }))).schema);
    expect(secrets.redact({ open: 1 })).toEqual({ open: '[secret]' });
  });
});
