import { isDeepStrictEqual } from 'node:util';
import type { QueueContract } from '../../src/bridge/index.js';
import { type Answer, enqueue, parse, readResult } from '../gates/replay.js';
import type { Payload } from './corpus.js';

/** The gates that a payload goes through, in the order of a job's life. */
export const GATES = ['enqueue', 'dequeue', 'result', 'read'] as const;

export type GateName = (typeof GATES)[number];

/** `accept`, `refuse`, or what broke. */
export type Verdict = string;

/** What a language's gates make of a payload. */
export type Verdicts<Gate extends GateName> = Readonly<Record<Gate, Verdict>>;

/** What the gates of TypeScript say, and what would be sent. */
export interface Sent extends Verdicts<'enqueue' | 'read'> {
  readonly sent?: string;
}

/** What the gates of Python say, what would be returned, and what is read of that which TypeScript sent. */
export interface Returned extends Verdicts<'dequeue' | 'result'> {
  readonly returned?: string;
  readonly arrived?: string;
}

/** A payload that is not treated alike. */
export interface Disagreement extends Payload {
  readonly problem: string;
}

/** Puts a payload through the gates of TypeScript. */
export function send(contract: QueueContract, { job, text }: Payload): Sent {
  const enqueued = pass(() => enqueue(contract, job, parse(text)));
  const read = pass(() => readResult(contract, job, parse(text)));
  return {
    enqueue: enqueued.verdict,
    read: read.verdict,
    ...(enqueued.verdict === 'accept' && { sent: JSON.stringify(enqueued.value) }),
  };
}

/** Says where the four gates do not agree on a payload, or a value does not survive its way. */
export function compare(contract: QueueContract, payload: Payload, sent: Sent, returned: Returned): Disagreement[] {
  const verdicts: Verdicts<GateName> = {
    enqueue: sent.enqueue,
    dequeue: returned.dequeue,
    result: returned.result,
    read: sent.read,
  };
  const problems: string[] = [];
  if (new Set(Object.values(verdicts)).size > 1 || !['accept', 'refuse'].includes(verdicts.enqueue)) {
    problems.push(GATES.map((gate) => `${gate}: ${verdicts[gate]}`).join(', '));
  }
  if (sent.sent !== undefined && !same(sent.sent, returned.arrived)) {
    problems.push(`sent ${sent.sent}, arrived ${returned.arrived}`);
  }
  if (returned.returned !== undefined && sent.read === 'accept') {
    const [direct, roundabout] = [payload.text, returned.returned].map((text) =>
      pass(() => readResult(contract, payload.job, JSON.parse(text, withoutNegativeZero))),
    );
    if (!isDeepStrictEqual(direct, roundabout)) problems.push(`returned ${returned.returned}`);
  }
  return problems.map((problem) => ({ ...payload, problem }));
}

function same(sent: string, arrived: string | undefined): boolean {
  return arrived !== undefined && isDeepStrictEqual(JSON.parse(sent), JSON.parse(arrived));
}

/** Python has no integer -0, and `JSON.stringify` writes 0 for it. */
function withoutNegativeZero(_: string, value: unknown): unknown {
  return value === 0 ? 0 : value;
}

function pass(gate: () => Answer): { readonly verdict: Verdict; readonly value?: unknown } {
  try {
    const answer = gate();
    return 'at' in answer ? { verdict: 'refuse' } : { verdict: 'accept', value: answer.reads };
  } catch (error) {
    // What is no JSON stops before the gate: nobody can have it as a value.
    return { verdict: error instanceof SyntaxError ? 'refuse' : `broke: ${error}` };
  }
}
