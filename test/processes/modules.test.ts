import { describe, expect, it } from 'vitest';
import { settled } from '../faults/queue-state.js';
import { useStages } from '../faults/stage.js';
import { childrenOf } from '../support/processes.js';
import { uniqueName, useSystem } from '../support/system.js';
import { usePython } from './python-command.js';

const system = useSystem();
const newStage = useStages();
const python = usePython();

function settings(queue: string): Record<string, string> {
  return { WORKER_SETTINGS: JSON.stringify({ queue, prefix: system.prefix, redis_url: system.url, concurrency: 1 }) };
}

describe.concurrent('a child imports', () => {
  it.each([
    ['python -m package.module', ['-m', 'processes_package.whole'], ['processes_package.whole']],
    ['python path/to/script.py', ['processes_package/whole.py'], ['__bullmq_bridge_script__']],
    [
      'python -m package.module, which runs the worker of another module with the processors of a third',
      ['-m', 'processes_package.program'],
      ['processes_package.declared', 'processes_package.processors'],
    ],
    [
      'python -m bullmq_bridge worker module',
      ['-m', 'bullmq_bridge', 'worker', 'processes_package.processors', '--concurrency', '1'],
      ['processes_package.declared', 'processes_package.processors'],
    ],
  ])('what it needs, once, under its real name: %s', async (_, args, modules) => {
    const stage = newStage();
    const queue = system.queue();
    const command = python(args, {
      env: { ...stage.env, ...settings(queue.name), ...(args[0]?.endsWith('.py') ? { PYTHONPATH: '.' } : {}) },
    });
    await command.waitForError(/ is ready: /);
    const [child] = await childrenOf(command.pid);
    const { id = '' } = await queue.add('where', {});
    expect((await settled(queue, id)).returnvalue).toBe(modules.at(-1));
    expect(await command.ended('SIGTERM')).toBe(0);

    const imports = stage.lines('imports').map((line) => line.split(' '));
    const ofChild = imports.filter(([pid]) => Number(pid) === child).map(([, name]) => name);
    expect(ofChild.sort()).toEqual(modules);
    const ofEngine = imports.filter(([pid]) => Number(pid) === command.pid).map(([, name]) => name);
    expect(new Set(ofEngine).size).toBe(ofEngine.length);
  });

  it.each([
    ['standard input', ['-']],
    ['an interactive session', ['-i', '-q']],
    ['python -c', ['-c']],
  ])('nothing from %s: a worker of plain functions is refused there', async (_, args) => {
    const code = (definition: string) =>
      [
        'from bullmq_bridge import Worker',
        `worker = Worker("${uniqueName()}")`,
        `@worker.job("a")`,
        `${definition} work(job): pass`,
        '',
        'worker.run()',
        '',
      ].join('\n');
    const isText = args[0] === '-c';
    const refused = python(isText ? [...args, code('def')] : args, isText ? {} : { input: code('def') });
    const exitCode = await refused.ended();
    expect(refused.stderr).toMatch(/cannot start: a plain `def` runs in a process of its own, which cannot import it/);
    expect(refused.stderr).not.toMatch(/Traceback/);
    if (args[0] !== '-i') expect(exitCode).toBe(1);
  });

  it('nothing for coroutine functions, which may come from standard input', async () => {
    const queue = system.queue();
    const code = [
      'import os',
      'from bullmq_bridge import Worker',
      `worker = Worker("${queue.name}", prefix="${system.prefix}", redis_url="${system.url}", burst=True)`,
      '@worker.job("a")',
      'async def work(job): return os.getpid()',
      '',
      'worker.run()',
      '',
    ].join('\n');
    const { id = '' } = await queue.add('a', {});
    const command = python(['-'], { input: code });
    expect(await command.ended()).toBe(0);
    expect((await settled(queue, id)).returnvalue).toBe(command.pid);
  });

  it('no worker that is declared inside a function, which is said', async () => {
    const code = [
      'from bullmq_bridge import Worker',
      'def work(job): pass',
      'def main():',
      '    worker = Worker("hidden")',
      '    worker.job("a")(work)',
      '    worker.run()',
      'if __name__ == "__main__": main()',
    ].join('\n');
    const stage = newStage();
    stage.write('hidden.py', code);
    const command = python(['hidden.py'], { cwd: stage.folder });
    expect(await command.ended()).toBe(1);
    expect(command.stderr).toMatch(/declares no Worker for queue 'hidden': create the Worker at the top of the module/);
  });
});
