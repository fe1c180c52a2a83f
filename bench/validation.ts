import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import * as z from 'zod';
import { defineQueue, job } from '../src/bridge/index.js';
import { Gate } from '../src/bridge/queue/gate.js';
import { readThrough } from '../src/bridge/queue/reading.js';
import { withEmitted } from './emitted-contract.js';
import type { Ground } from './ground.js';

/** Microseconds that a job spends in the gates of a language: its data once, its result once. */
export interface Validation {
  readonly python: number;
  readonly typescript: number;
}

const BATCHES = 7;
const CALLS = 20_000;

const document = z.object({
  doc_id: z.string().min(1).max(200),
  media_type: z.string().min(1),
  bytes: z.int().min(0),
  pages: z.int().min(0).nullable(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  tags: z.array(z.string().min(1)),
  meta: z.record(z.string(), z.string()),
});
const validated = defineQueue('validated', { read: job({ data: document, result: document }) });

/** 400 bytes as JSON. */
const PAYLOAD = {
  doc_id: 'doc-000123',
  media_type: 'application/pdf',
  bytes: 123456,
  pages: 12,
  sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  tags: ['alpha', 'beta', 'gamma'],
  meta: {
    name: 'Überblick über das Jahr 2026.pdf',
    owner: 'somebody@example.org',
    note: 'Scanned at the front desk, checked by hand, and filed under the number on its cover sheet. No. 1 of 12.',
    score: '1.25',
  },
};

/** What the gates of both languages cost. The fastest of several batches: what else the machine does is not meant. */
export async function validation(ground: Ground): Promise<Validation> {
  ground.say('validation: 400 bytes through the gates of both languages');
  return { typescript: typescript(), python: await python(ground) };
}

function typescript(): number {
  const gate = Gate.of(validated);
  const { result } = validated.jobs.read;
  let best = Number.POSITIVE_INFINITY;
  for (let batch = 0; batch < BATCHES; batch += 1) {
    const started = performance.now();
    for (let call = 0; call < CALLS; call += 1) {
      gate.admit({ name: 'read', data: PAYLOAD });
      readThrough(result, PAYLOAD);
    }
    best = Math.min(best, ((performance.now() - started) * 1000) / CALLS);
  }
  return best;
}

async function python({ interpreters }: Ground): Promise<number> {
  return withEmitted([validated], async (folder) => {
    const script = fileURLToPath(new URL('contestants/validate.py', import.meta.url));
    const args = [script, folder, validated.name, 'read', String(BATCHES), String(CALLS)];
    const { stdout } = await execa(interpreters.bridge, args, { input: JSON.stringify(PAYLOAD) });
    return Number(stdout);
  });
}
