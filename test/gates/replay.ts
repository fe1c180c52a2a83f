import { isDeepStrictEqual } from 'node:util';
import type { QueueContract } from '../../src/bridge/index.js';
import { ContractError } from '../../src/bridge/index.js';
import { Gate } from '../../src/bridge/queue/gate.js';
import { readThrough } from '../../src/bridge/queue/reading.js';
import { textOf, type Vector } from './vector.js';

/** What a gate says of a payload: the value it lets through, or where it finds fault. */
export type Answer = { readonly reads: unknown } | { readonly at: readonly string[] };

/** A vector that a gate does not treat as it says. */
export interface Disagreement {
  readonly vector: string;
  readonly gate: 'enqueue' | 'read result';
  readonly problem: string;
}

/** Puts each vector through the gates of the TypeScript side; returns those that are not treated as they say. */
export function replay(contract: QueueContract, vectors: readonly Vector[]): Disagreement[] {
  return vectors.flatMap((vector) => {
    const gates = [
      ...(vector.payload === 'result' ? [] : [{ gate: 'enqueue' as const, pass: enqueue }]),
      ...(vector.payload === 'data' ? [] : [{ gate: 'read result' as const, pass: readResult }]),
    ];
    return gates.flatMap(({ gate, pass }) => {
      const problem = compare(
        vector,
        answer(() => pass(contract, vector.job, parse(textOf(vector)))),
      );
      return problem === undefined ? [] : [{ vector: `${vector.job}: ${vector.name}`, gate, problem }];
    });
  });
}

/** Through the gate of publishing: what would be sent. */
export function enqueue(contract: QueueContract, job: string, payload: unknown): Answer {
  try {
    return { reads: Gate.of(contract).admit({ name: job, data: payload }).data };
  } catch (error) {
    if (error instanceof ContractError) {
      return { at: error.violations.map(({ path }) => path) };
    }
    throw error;
  }
}

/** Through the gate of results: what the caller would get. */
export function readResult(contract: QueueContract, job: string, payload: unknown): Answer {
  const { value, issues } = readThrough((contract.jobs[job] as QueueContract['jobs'][string]).result, payload);
  return issues === undefined ? { reads: value } : { at: issues.map(({ path }) => path) };
}

const TEXT = /"(?:[^"\\]|\\.)*"/gs;
const NUMBER = /-?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?/g;
const INTEGER = /^-?\d+$/;

/** Parses what JavaScript can hold; an integer that would be rounded is not what the text says. */
export function parse(text: string): unknown {
  for (const [number] of text.replace(TEXT, '').matchAll(NUMBER)) {
    const read = Number(number);
    if (INTEGER.test(number) && Number.isFinite(read) && BigInt(read) !== BigInt(number) && String(read) !== number) {
      throw new SyntaxError(`JavaScript would round ${number}`);
    }
  }
  return JSON.parse(text);
}

/** What is no JSON stops before the gate: nobody can have it as a value. Any other error is no answer. */
function answer(pass: () => Answer): Answer | Error {
  try {
    return pass();
  } catch (error) {
    return error instanceof SyntaxError ? { at: [] } : (error as Error);
  }
}

function compare(vector: Vector, answered: Answer | Error): string | undefined {
  if (answered instanceof Error) {
    return `the gate broke: ${answered}`;
  }
  if ('at' in answered) {
    const places = answered.at.map((path) => `'${path}'`).join(', ');
    if (vector.verdict === 'accept') {
      return `should be accepted, is refused at ${places}`;
    }
    const place = vector.at === undefined ? undefined : formatPointer(vector.at);
    return place === undefined || answered.at.includes(place)
      ? undefined
      : `is refused at ${places}, not at '${place}'`;
  }
  if (vector.verdict === 'refuse') {
    return 'should be refused, is accepted';
  }
  const read: unknown = JSON.parse(JSON.stringify(answered.reads));
  return vector.reads === undefined || isDeepStrictEqual(read, vector.reads)
    ? undefined
    : `reads ${JSON.stringify(read)}, not ${JSON.stringify(vector.reads)}`;
}

/** A JSON pointer as violations write paths: `/files/0/a~1b` is `files[0]["a/b"]`. */
function formatPointer(pointer: string): string {
  const keys = pointer.split('/').slice(1);
  return keys.reduce((text, escaped) => {
    const key = escaped.replaceAll('~1', '/').replaceAll('~0', '~');
    if (/^\d+$/.test(key)) {
      return `${text}[${key}]`;
    }
    if (!/^[\w$-]+$/.test(key)) {
      return `${text}[${JSON.stringify(key)}]`;
    }
    return text === '' ? key : `${text}.${key}`;
  }, '');
}
