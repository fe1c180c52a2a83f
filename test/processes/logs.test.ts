import { describe, expect, it } from 'vitest';
import { settled } from '../faults/queue-state.js';
import { useStages } from '../faults/stage.js';
import { useSystem } from '../support/system.js';
import { usePython } from './python-command.js';

const system = useSystem();
const newStage = useStages();
const python = usePython();

const WORKER = ['-m', 'bullmq_bridge', 'worker', 'processes_threads:worker', '--concurrency', '1'];
const LINES = [
  ['say', 'said in a process', 2],
  ['say-thread', 'said in a thread', 1],
  ['say-async', 'said in a coroutine', 1],
] as const;

describe.concurrent('the log', () => {
  async function run(format: 'human' | 'json') {
    const stage = newStage();
    const queue = system.queue();
    const settings = { queue: queue.name, prefix: system.prefix, redis_url: system.url };
    const command = python([...WORKER, '--log-format', format], {
      env: { ...stage.env, WORKER_SETTINGS: JSON.stringify(settings) },
    });
    await command.waitForError(/ is ready: /);
    const ids: string[] = [];
    for (const [name] of LINES) {
      const { id = '' } = await queue.add(name, {}, { attempts: 2 });
      await settled(queue, id);
      ids.push(id);
    }
    // A job that crashes leaves no plain text of the worker's own either.
    const { id: crashed = '' } = await queue.add('die', { how: '_exit' });
    await settled(queue, crashed);
    expect(await command.ended('SIGTERM')).toBe(0);
    return { lines: command.stderr.split('\n').slice(0, -1), ids, crashed, queue: queue.name };
  }

  it('for people says with each line of a processor which job it is about', async () => {
    const { lines, ids } = await run('human');
    for (const [index, [name, said, attempts]] of LINES.entries()) {
      for (let attempt = 1; attempt <= attempts; attempt++) {
        const line = new RegExp(
          `^[-\\d]+ [:,\\d]+ WARNING ${said} \\[job ${ids[index]} ${name} attempt ${attempt}\\]$`,
        );
        expect(lines.filter((each) => line.test(each))).toHaveLength(1);
      }
    }
    expect(lines.at(-1)).not.toMatch(/\[job/);
  });

  it('in JSON can be parsed line by line, and says in fields which job each line is about', async () => {
    const { lines, ids, crashed, queue } = await run('json');
    const records = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    for (const record of records) {
      expect(record).toMatchObject({
        time: expect.any(String),
        level: expect.any(String),
        message: expect.any(String),
      });
    }
    for (const [index, [name, said, attempts]] of LINES.entries()) {
      const told = records.filter(({ message }) => message === said);
      expect(told.map(({ job_id, job_name, attempt }) => [job_id, job_name, attempt])).toEqual(
        Array.from({ length: attempts }, (_, made) => [ids[index], name, made + 1]),
      );
      for (const { logger, level } of told) expect([logger, level]).toEqual(['processes', 'WARNING']);
    }
    // The worker's own lines carry the same fields.
    expect(records).toContainEqual(
      expect.objectContaining({
        level: 'ERROR',
        job_id: crashed,
        job_name: 'die',
        attempt: 1,
        message: expect.stringContaining(
          `job ${crashed} (die) of queue ${queue} failed for good (crashed): the process`,
        ),
      }),
    );
  });
});
