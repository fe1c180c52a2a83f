import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { z as z3 } from 'zod/v3';
import type { Schema } from '../contract/schema.js';
import { readThrough } from './reading.js';

const paths = (schema: Schema, value: unknown) => {
  const { issues = [] } = readThrough(schema, value);
  return issues.map(({ path }) => path);
};

describe.each([
  ['zod 4', z],
  ['zod 3', z3 as unknown as typeof z],
])('readThrough names what is wrong in a union, with %s', (_, { object, union, literal, string, number, array }) => {
  const shape = union([
    object({ kind: literal('circle'), radius: number() }),
    object({ kind: literal('square'), side: number(), corners: array(string()) }),
  ]);
  const job = object({ shapes: array(union([string(), shape])) });

  it.each<[string, unknown, string[]]>([
    ['the field of the option that is closest', { kind: 'square', side: 'x', corners: [] }, ['shapes[0].side']],
    ['each field of it', { kind: 'square', corners: [1] }, ['shapes[0].side', 'shapes[0].corners[0]']],
    ['the union itself when no option has that kind of value', 1, ['shapes[0]']],
    ['the union itself when several are as close', { corners: [] }, ['shapes[0]']],
  ])('%s', (_, value, expected) => {
    expect(paths(job, { shapes: [value] })).toEqual(expected);
  });
});
