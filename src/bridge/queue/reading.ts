import * as z from 'zod';
import { isZod4, type Schema } from '../contract/schema.js';
import { portabilityIssue } from './portable-value.js';

/** What reading a value through a schema gives: the value, or what is wrong with it. */
export type Reading = { readonly value: unknown } | { readonly issues: readonly Issue[] };

/** One thing that is wrong with a value. */
export interface Issue {
  /** For example `files[0].name`; empty for the value itself. */
  readonly path: string;
  readonly message: string;
}

/** Reads a value through a zod schema of either version, and through what holds for every payload. */
export function readThrough(schema: Schema, value: unknown): Reading {
  const foreign = portabilityIssue(value, formatPath);
  if (foreign !== undefined) {
    return { issues: [foreign] };
  }
  const parsed = isZod4(schema) ? z.safeParse(schema, value) : schema.safeParse(value);
  return parsed.success ? { value: parsed.data } : { issues: flatten(parsed.error.issues) };
}

/** The part of zod's issues that both versions share; a union's own issue hides those of its options. */
interface ZodIssue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

function flatten(issues: readonly ZodIssue[]): Issue[] {
  return issues.map(({ path, message }) => ({ path: formatPath(path), message }));
}

function formatPath(path: readonly PropertyKey[]): string {
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
