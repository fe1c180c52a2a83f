import { execa } from 'execa';
import { expect, it } from 'vitest';
import { corpus } from './corpus.js';
import type { Answer, Question } from './question.js';

const HERE = new URL('.', import.meta.url);
/** Another one asks other questions. */
const SEED = Number(process.env.CRON_SEED ?? 1);

it('the next runs of cron patterns are those of BullMQ', { timeout: 120_000 }, async () => {
  const questions = corpus(SEED);
  expect(questions.length).toBeGreaterThan(5_000);
  const [bullmq, python] = await Promise.all([
    ask(questions, process.execPath, ['--import', 'tsx', 'ask-bullmq.ts']),
    ask(questions, pythonCommand(), ['ask_python.py']),
  ]);
  expect([bullmq.length, python.length]).toEqual([questions.length, questions.length]);
  const differences = questions
    .map((question, n) => ({ question, bullmq: bullmq[n], python: python[n] }))
    .filter((answers) => String(answers.bullmq) !== String(answers.python));
  const runs = bullmq.flat().filter((run) => typeof run === 'number').length;
  const refused = bullmq.filter((answer) => answer.includes('refused')).length;
  const ended = bullmq.filter((answer) => answer.includes('ended')).length;
  console.info(
    `${questions.length} schedules (seed ${SEED}): ${runs} runs, ${refused} refused, ${ended} ended, ` +
      `${differences.length} differences`,
  );
  // Both sides read a time zone database of their own, so an old one is the first thing to suspect.
  expect(differences, `time zone data of Node: ${process.versions.tz}`).toEqual([]);
  expect({ runs: runs > 10_000, refused: refused > 400, ended: ended > 20 }).toEqual({
    runs: true,
    refused: true,
    ended: true,
  });
});

async function ask(questions: readonly Question[], command: string, args: readonly string[]): Promise<Answer[]> {
  const { stdout } = await execa(command, args, { cwd: HERE, input: JSON.stringify(questions) });
  return JSON.parse(stdout);
}

function pythonCommand(): string {
  const python = process.env.PYTHON;
  if (!python) throw new Error('This test needs Python: run it with `npm test`, or set PYTHON');
  return python;
}
