import { text } from 'node:stream/consumers';
import { defaultRepeatStrategy } from 'bullmq';
import type { Answer, Question } from './question.js';

// Answers the questions on stdin as the installed BullMQ does. A process of its own, since it changes TZ.

const questions: Question[] = JSON.parse(await text(process.stdin));
process.stdout.write(JSON.stringify(questions.map(answer)));

function answer({ after, TZ = 'UTC', ...schedule }: Question): Answer {
  if (process.env.TZ !== TZ) process.env.TZ = TZ;
  if (!schedule.pattern) return ['refused']; // as JobScheduler does
  const runs: number[] = [];
  for (let from = after; runs.length < 3; from = runs.at(-1) as number) {
    let next: number | undefined;
    try {
      // The types leave out what cron-parser reads besides (hashSeed, strict), the function does not.
      next = defaultRepeatStrategy(from, schedule as { pattern: string }) as number | undefined;
    } catch {
      return [...runs, 'refused'];
    }
    if (next === undefined) return [...runs, 'ended'];
    runs.push(Math.max(next, from)); // as JobScheduler does
  }
  return runs;
}
