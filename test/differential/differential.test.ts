import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { beforeAll, expect, it } from 'vitest';
import { renderContracts } from '../../src/bridge/contract/document.js';
import { wireJobs } from '../../src/bridge/contract/wire.js';
import { constructs } from './constructs.js';
import { corpus, type Payload } from './corpus.js';
import { compare, type Disagreement, GATES, type Returned, type Sent, send } from './verdicts.js';

/** Another one makes other payloads. */
const SEED = Number(process.env.GATES_SEED ?? 1);
const COUNT = Number(process.env.GATES_VALUES ?? 2_000);
/** Kept after the run, for a look at what was compared. Ignored by git. */
const FOLDER = fileURLToPath(new URL('../../.cache/gates/', import.meta.url));

const wired = wireJobs(constructs);
const payloads = corpus(new Map([...wired].map(([job, { data }]) => [job, data])), SEED, COUNT);
let sent: Sent[];
let returned: Returned[];

beforeAll(async () => {
  await mkdir(`${FOLDER}schemas`, { recursive: true });
  for (const [file, content] of renderContracts(new Map([[constructs.name, wired]]))) {
    await writeFile(`${FOLDER}schemas/${file}`, content);
  }
  sent = payloads.map((payload) => send(constructs, payload));
  await writeLines(
    'payloads.jsonl',
    payloads.map((payload, index) => ({ ...payload, sent: sent[index]?.sent })),
  );
  await writeLines('typescript.jsonl', sent);
  const files = ['schemas', constructs.name, 'payloads.jsonl', 'python.jsonl'];
  const script = fileURLToPath(new URL('replay.py', import.meta.url));
  await execa(pythonCommand(), [script, ...files], { cwd: FOLDER });
  const lines = (await readFile(`${FOLDER}python.jsonl`, 'utf8')).trimEnd().split('\n');
  returned = lines.map((line) => JSON.parse(line) as Returned);
}, 600_000);

it('the four gates agree on every payload', () => {
  const disagreements = payloads.flatMap((payload, index) => judge(payload, index));
  const accepted = sent.filter(({ enqueue }) => enqueue === 'accept').length;
  console.info(
    `${payloads.length} payloads over ${wired.size} schemas (seed ${SEED}): ${accepted} accepted, ` +
      `${payloads.length - accepted} refused, ${disagreements.length} disagreements`,
  );
  expect(disagreements).toEqual([]);
});

it('every schema has payloads that pass and payloads that do not', () => {
  const seen = new Map([...wired.keys()].map((job) => [job, new Set<string>()]));
  for (const [index, { job }] of payloads.entries()) seen.get(job)?.add(sent[index]?.enqueue ?? '');
  const oneSided = [...seen].filter(([, verdicts]) => !verdicts.has('accept') || !verdicts.has('refuse'));
  expect(oneSided).toEqual([]);
});

it('a verdict that is flipped is a disagreement, whichever gate it is of', () => {
  const flipped = (verdict: string) => (verdict === 'accept' ? 'refuse' : 'accept');
  payloads.forEach((payload, index) => {
    const [ours, theirs] = [sent[index] as Sent, returned[index] as Returned];
    const answers = { ...ours, ...theirs };
    for (const gate of GATES) {
      const changed = { ...answers, [gate]: flipped(answers[gate]) };
      expect(compare(constructs, payload, changed, changed)).not.toEqual([]);
    }
  });
});

function judge(payload: Payload, index: number): Disagreement[] {
  return compare(constructs, payload, sent[index] as Sent, returned[index] as Returned);
}

async function writeLines(file: string, lines: readonly unknown[]): Promise<void> {
  await writeFile(`${FOLDER}${file}`, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

function pythonCommand(): string {
  const python = process.env.PYTHON;
  if (!python) throw new Error('This test needs Python: run it with `npm test`, or set PYTHON');
  return python;
}
