import { fileURLToPath } from 'node:url';
import { execa, type ResultPromise } from 'execa';
import { afterAll } from 'vitest';
import { childrenOf, isAlive } from '../support/processes.js';
import { waitFor } from '../support/wait-for.js';

const FIXTURES = fileURLToPath(new URL('../fixtures/', import.meta.url));

/** How a Python command is run. */
export interface Surroundings {
  /** By default `test/fixtures`, so that its files can be imported. */
  readonly cwd?: string;
  /** Added to the environment of the tests. */
  readonly env?: Readonly<Record<string, string>>;
  /** Given on standard input, which ends then; without it, standard input stays open. */
  readonly input?: string;
}

/** A Python program as a user starts it: with a command line. */
export class PythonCommand {
  readonly #process: ResultPromise<{ reject: false; buffer: false; stdin: 'pipe' }>;
  readonly #line: string;
  #exitCode: number | undefined | null = null;
  /** What it and its children have written so far. */
  stdout = '';
  /** What it and its children have written so far. */
  stderr = '';

  constructor(args: readonly string[], { cwd = FIXTURES, env = {}, input }: Surroundings = {}) {
    const python = process.env.PYTHON;
    if (!python) throw new Error('These tests need Python: run them with `npm test`, or set PYTHON');
    this.#line = `python ${args.join(' ')}`;
    this.#process = execa(python, args, {
      cwd,
      env: { PYTHONUNBUFFERED: '1', ...env },
      reject: false,
      buffer: false,
      stdin: 'pipe',
    });
    if (input !== undefined) this.#process.stdin.end(input);
    this.#process.stdout.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString();
    });
    this.#process.stderr.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
    });
    this.#process.then(({ exitCode }) => {
      this.#exitCode = exitCode;
    });
  }

  get pid(): number {
    const { pid } = this.#process;
    if (pid === undefined) throw new Error(`${this.#line} could not be started`);
    return pid;
  }

  get isRunning(): boolean {
    return this.#exitCode === null;
  }

  /** Waits until standard error matches. Fails at once when the program has ended without it. */
  async waitForError(pattern: RegExp): Promise<RegExpMatchArray> {
    return waitFor(
      `${pattern} in the standard error of ${this.#line}`,
      () => {
        const match = this.stderr.match(pattern);
        if (match === null && !this.isRunning) {
          throw new Error(`${this.#line} ended with ${this.#exitCode} without saying ${pattern}:\n${this.stderr}`);
        }
        return match;
      },
      { timeoutMs: 30_000, state: () => this.stderr },
    );
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.pid, name);
  }

  /** Waits until it has ended, and has left no child behind; its exit code. */
  async ended(signal?: NodeJS.Signals): Promise<number | undefined> {
    const pids = this.isRunning ? [this.pid, ...(await childrenOf(this.pid))] : [];
    if (signal !== undefined && this.isRunning) this.signal(signal);
    await waitFor(`the end of ${this.#line}`, () => !this.isRunning && pids.every((pid) => !isAlive(pid)), {
      timeoutMs: 40_000,
      state: () => this.stderr,
    });
    return this.#exitCode ?? undefined;
  }
}

/** Lets the tests of a file run Python commands, and kills at the end what is still there. */
export function usePython(): (args: readonly string[], surroundings?: Surroundings) => PythonCommand {
  const commands: PythonCommand[] = [];
  afterAll(() => Promise.all(commands.map((command) => command.ended('SIGKILL'))));
  return (args, surroundings) => {
    const command = new PythonCommand(args, surroundings);
    commands.push(command);
    return command;
  };
}
