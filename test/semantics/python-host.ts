import { fileURLToPath } from 'node:url';
import { execa, type ResultPromise } from 'execa';
import { waitFor } from '../support/wait-for.js';

const FIXTURE = fileURLToPath(new URL('../fixtures/semantics_host.py', import.meta.url));

/** What a worker has told on its bus. */
export interface BusEvent {
  readonly event: string;
  /** Id of the job that it is about. */
  readonly job: string | null;
  readonly details: Readonly<Record<string, unknown>>;
}

type Line = { id: number; result?: unknown; error?: string } | ({ worker: string } & BusEvent);

/** A Python process that runs workers as it is told, by the program of `fixtures/semantics_host.py`. */
export class PythonHost {
  readonly #process: ResultPromise<{ reject: false; buffer: false; stdin: 'pipe'; stderr: 'pipe' }>;
  readonly #answers = new Map<number, Line & { id: number }>();
  readonly #events: ({ worker: string } & BusEvent)[] = [];
  #log = '';
  #rest = '';
  #calls = 0;
  #ended = false;

  constructor() {
    const python = process.env.PYTHON;
    if (!python) throw new Error('These tests need Python: run them with `npm test`, or set PYTHON');
    this.#process = execa(python, [FIXTURE], {
      env: { PYTHONUNBUFFERED: '1' },
      reject: false,
      buffer: false,
      // Its end is that of the process: also when the tests died.
      stdin: 'pipe',
      stderr: 'pipe',
    });
    this.#process.stdout.on('data', (chunk: Buffer) => this.#take(chunk.toString()));
    this.#process.stderr.on('data', (chunk: Buffer) => {
      this.#log += chunk.toString();
    });
    this.#process.then(() => {
      this.#ended = true;
    });
  }

  /** What the process has logged. */
  get log(): string {
    return this.#log;
  }

  /** Process id. */
  get pid(): number {
    return this.#process.pid as number;
  }

  /** What a worker has told on its bus so far. */
  events(worker: string): readonly BusEvent[] {
    return this.#events.filter((event) => event.worker === worker);
  }

  /**
   * Has the process do something.
   *
   * @throws Error what Python raised.
   */
  async call<Result = void>(name: string, args: Readonly<Record<string, unknown>>): Promise<Result> {
    const id = ++this.#calls;
    this.#process.stdin.write(`${JSON.stringify({ id, call: name, ...args })}\n`);
    const answer = await waitFor(
      `answer of Python to ${name}`,
      () => {
        if (this.#ended) throw new Error(`Python ended before it answered ${name}:\n${this.#log}`);
        return this.#answers.get(id);
      },
      { timeoutMs: 30_000, state: () => this.#log },
    );
    if ('error' in answer) throw new Error(answer.error);
    return ('result' in answer ? answer.result : undefined) as Result;
  }

  /** Ends the process. */
  async end(): Promise<void> {
    this.#process.stdin.end();
    await this.#process;
  }

  #take(chunk: string): void {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const text of lines) {
      const line = JSON.parse(text) as Line;
      if ('id' in line) this.#answers.set(line.id, line);
      else this.#events.push(line);
    }
  }
}
