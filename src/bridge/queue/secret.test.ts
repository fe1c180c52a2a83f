import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { z as z3 } from 'zod/v3';
import { defineQueue, job } from '../contract/queue.js';
import { ContractError } from './contract-error.js';
import { Gate } from './gate.js';
import { redact } from './redact.js';

const card = z.int().meta({ secret: true });
const node: z.ZodType = z.lazy(() => z.object({ pin: card.optional(), next: node.optional() }));
const accounts = defineQueue('accounts', {
  'sign-up': job({
    data: z.object({
      to: z.string().max(5),
      password: z
        .string()
        .min(30, { error: ({ input }) => `'${input}' is too short` })
        .meta({ secret: true })
        .optional(),
      keys: z.record(z.string(), z.string()).meta({ secret: true }).optional(),
      cards: z.array(card).optional(),
      either: z.union([z.null(), z.strictObject({ pin: card })]).optional(),
      node: node.optional(),
    }),
    result: z.object({ token: z.string().meta({ secret: true }), at: z.int() }),
  }),
});

function errorOf(data: object): ContractError {
  try {
    Gate.of(accounts).admit({ name: 'sign-up', data: { to: 'a', ...data } });
  } catch (error) {
    if (error instanceof ContractError) return error;
    throw error;
  }
  throw new Error('it is admitted');
}

describe('a violation', () => {
  it('has pointer, rule, message and the kind of value', () => {
    expect(errorOf({ to: 'somebody' }).violations).toEqual([
      {
        queue: 'accounts',
        job: 'sign-up',
        path: 'to',
        pointer: '/to',
        rule: 'maxLength',
        message: 'Too big: expected string to have <=5 characters',
        value: 'text of 8 characters',
      },
    ]);
  });

  it.each<[unknown, string, string]>([
    [undefined, 'required', 'nothing'],
    [null, 'type', 'null'],
    [true, 'type', 'boolean'],
    [1.5, 'type', 'number'],
    [[1], 'type', 'list of 1 items'],
    [{ a: 1 }, 'type', 'object of 1 fields'],
    [new Date(0), 'type', 'Date'],
    ['\ud83d', 'portable', 'text of 1 characters'],
  ])('says of %j which rule it breaks and what kind of value it is', (to, rule, value) => {
    expect(errorOf({ to }).violations).toMatchObject([{ pointer: '/to', rule, value }]);
  });

  it.each<[string, z.ZodType | z3.ZodTypeAny, unknown, string]>([
    ['enum', z.enum(['a', 'b']), 'c', 'enum'],
    ['literal', z.literal('a'), 'c', 'const'],
    ['array', z.array(z.int()).min(1), [], 'minItems'],
    ['bound', z.number().max(1), 2, 'maximum'],
    ['open bound', z.number().lt(1), 1, 'exclusiveMaximum'],
    ['step', z.int().min(0).max(9).multipleOf(2), 3, 'multipleOf'],
    ['unknown key', z.strictObject({}), { a: 1 }, 'additionalProperties'],
    ['union', z.union([z.string(), z.null()]), 1, 'anyOf'],
    ['key', z.record(z.string().regex(/^a/), z.int()), { b: 1 }, 'propertyNames'],
    ['zod 3 bound', z3.number().gt(3), 3, 'exclusiveMinimum'],
    ['zod 3 text', z3.string().regex(/^a/), 'b', 'pattern'],
    ['zod 3 enum', z3.enum(['a', 'b']), 'c', 'enum'],
  ])('names the keyword of JSON Schema: %s', (_, schema, value, rule) => {
    const queue = defineQueue('rules', { run: job({ data: z3Object(schema), result: z.null() }) });
    expect(() => Gate.of(queue).admit({ name: 'run', data: { field: value } })).toThrow(
      expect.objectContaining({ violations: [expect.objectContaining({ rule })] }),
    );
  });
});

describe('a secret field', () => {
  it.each<[string, object, string]>([
    ['its text', { password: 'hunter2' }, '/password'],
    ['another type', { password: ['hunter2'] }, '/password'],
    ['half of a character', { password: 'hunter2\ud800' }, '/password'],
    ['its keys', { keys: { hunter2: 1 } }, '/keys'],
    ['an item', { cards: [1, 'hunter2'] }, '/cards/1'],
    ['an alternative', { either: { pin: 'hunter2\ud800' } }, '/either/pin'],
    ['recursion', { node: { next: { next: { pin: 'hunter2' } } } }, '/node/next/next/pin'],
  ])('is told of by its place alone: %s', (_, data, pointer) => {
    const error = errorOf(data);
    expect(error.violations[0]).toMatchObject({ pointer, value: 'secret' });
    expect(`${error}${error.stack}${JSON.stringify(error.violations)}`).not.toContain('hunter2');
  });

  it('is left out of the error about a result', () => {
    const read = () => Gate.of(accounts).readResult('sign-up', { token: 7777, at: 'x' });
    expect(read).toThrow(/the result is refused: token: breaks 'type' \(secret\); at: .*\(text of 1 characters\)/);
  });

  it('is blacked out in a copy for logs and pages', () => {
    const data = { to: 'a', password: 'hunter2', keys: { k: 'v' }, cards: [1, 2], node: { next: { pin: 3 } } };
    expect(redact(accounts, 'sign-up', 'data', data)).toEqual({
      to: 'a',
      password: '[secret]',
      keys: '[secret]',
      cards: ['[secret]', '[secret]'],
      node: { next: { pin: '[secret]' } },
    });
    expect(redact(accounts, 'sign-up', 'result', { token: 'x', at: 1 })).toEqual({ token: '[secret]', at: 1 });
  });
});

describe('the limit on bytes', () => {
  it('refuses data and results that are longer', () => {
    const large = defineQueue('large', { run: job({ data: z.string(), result: z.string() }) });
    const text = 'x'.repeat(16 * 2 ** 20);
    expect(() => Gate.of(large).admit({ name: 'run', data: text })).toThrow(
      "Job 'run' of queue 'large': the data is refused: 16777218 bytes are more than the 16777216 that are allowed",
    );
    expect(() => Gate.of(large).readResult('run', text)).toThrow('the result is refused: 16777218 bytes');
    expect(Gate.of(large).admit({ name: 'run', data: text.slice(2) }).data).toHaveLength(2 ** 24 - 2);
  });
});

function z3Object(field: z.ZodType | z3.ZodTypeAny) {
  return '_zod' in field ? z.object({ field }) : z3.object({ field });
}
