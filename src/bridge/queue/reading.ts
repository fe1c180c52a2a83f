import * as z from 'zod';
import { isZod4, type Schema } from '../contract/schema.js';
import { portabilityIssue } from './portable-value.js';

/** What reading a value through a schema gives: the value, or what is wrong with it. */
export type Reading =
  | { readonly value: unknown; readonly issues?: undefined }
  | { readonly issues: readonly Issue[]; readonly value?: undefined };

/** One thing that is wrong with a value. */
export interface Issue {
  /** Property names and indices; empty for the value itself. */
  readonly keys: readonly PropertyKey[];
  /** The same for people, for example `files[0].name`. */
  readonly path: string;
  /** The keyword of the JSON Schema that is broken; `portable` or `size` for what no schema says. */
  readonly rule: string;
  readonly message: string;
}

/** Reads a value through a zod schema of either version, and through what holds for every payload. */
export function readThrough(schema: Schema, value: unknown): Reading {
  const foreign = portabilityIssue(value);
  if (foreign !== undefined) {
    return { issues: [issueAt(foreign.keys, 'portable', foreign.message)] };
  }
  const parsed = isZod4(schema) ? z.safeParse(schema, value) : schema.safeParse(value);
  if (parsed.success) {
    return { value: parsed.data };
  }
  const issues: readonly ZodIssue[] = parsed.error.issues;
  return {
    issues: issues.flatMap(resolveUnion).map((issue) => issueAt(issue.path, ruleOf(issue, value), issue.message)),
  };
}

/** An issue at a place of the value. */
export function issueAt(keys: readonly PropertyKey[], rule: string, message: string): Issue {
  return { keys, path: formatPath(keys), rule, message };
}

/** The value at a path; undefined when there is none. */
export function valueAt(value: unknown, keys: readonly PropertyKey[]): unknown {
  return keys.reduce<unknown>(
    (part, key) =>
      typeof part === 'object' && part !== null && Object.hasOwn(part, key)
        ? (part as Record<PropertyKey, unknown>)[key]
        : undefined,
    value,
  );
}

/** Property names and indices as people write them: `files[0].name`. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') {
      return `${text}[${key}]`;
    }
    const name = String(key);
    if (!/^[\w$-]+$/.test(name)) {
      return `${text}[${JSON.stringify(name)}]`;
    }
    return text === '' ? name : `${text}.${name}`;
  }, '');
}

/** The part of zod's issues that both versions share, as far as it is looked at. */
interface ZodIssue {
  readonly code?: string | undefined;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** Of what is too small or too big: what kind of thing it is. Version 3 calls it `type`. */
  readonly origin?: string;
  readonly type?: string;
  readonly inclusive?: boolean;
  readonly values?: readonly unknown[];
  /** Of a union, in version 4: the issues of each option, with paths that start at the union. */
  readonly errors?: readonly (readonly ZodIssue[])[];
  /** The same in version 3, with paths that start at the root. */
  readonly unionErrors?: readonly { readonly issues: readonly ZodIssue[] }[];
}

/** zod's codes whose keyword is always the same, of both versions. */
const RULES: Readonly<Record<string, string>> = {
  invalid_format: 'pattern',
  invalid_string: 'pattern',
  not_multiple_of: 'multipleOf',
  unrecognized_keys: 'additionalProperties',
  invalid_union: 'anyOf',
  invalid_union_discriminator: 'anyOf',
  invalid_key: 'propertyNames',
  invalid_enum_value: 'enum',
  invalid_literal: 'const',
};

function ruleOf(issue: ZodIssue, value: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      return valueAt(value, issue.path) === undefined ? 'required' : 'type';
    case 'invalid_value':
      return issue.values?.length === 1 ? 'const' : 'enum';
    case 'too_small':
      return limitOf(issue, 'min', 'Minimum');
    case 'too_big':
      return limitOf(issue, 'max', 'Maximum');
    default:
      return RULES[issue.code ?? ''] ?? issue.code ?? 'schema';
  }
}

function limitOf({ origin, type, inclusive }: ZodIssue, side: 'min' | 'max', bound: string): string {
  switch (origin ?? type) {
    case 'string':
      return `${side}Length`;
    case 'array':
      return `${side}Items`;
    default:
      return inclusive === false ? `exclusive${bound}` : `${side}imum`;
  }
}

/**
 * What is wrong with the option of a union that was probably meant: of those whose kind of value it is, the one whose literals
 * fit best, and then the one with the fewest faults. Where none stands out, and outside of unions, the issue itself.
 */
function resolveUnion(issue: ZodIssue): readonly ZodIssue[] {
  if (issue.code !== 'invalid_union') {
    return [issue];
  }
  const inZod4 = issue.errors?.map((option) =>
    option.map((part) => ({ ...part, path: [...issue.path, ...part.path] })),
  );
  const options = inZod4 ?? issue.unionErrors?.map((error) => error.issues) ?? [];
  const [closest, next] = options
    .map((option) => option.flatMap(resolveUnion))
    .filter((faults) => faults.length > 0 && faults.every(({ path }) => path.length > issue.path.length))
    .map((faults) => ({ faults, unfit: faults.filter(isLiteral).length }))
    .sort((one, other) => one.unfit - other.unfit || one.faults.length - other.faults.length);
  const tie = next !== undefined && next.unfit === closest?.unfit && next.faults.length === closest.faults.length;
  return closest === undefined || tie ? [issue] : closest.faults;
}

function isLiteral({ code }: ZodIssue): boolean {
  return code === 'invalid_value' || code === 'invalid_literal';
}
