import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { execa, type ResultPromise } from 'execa';

const PROGRAM = fileURLToPath(new URL('publisher.py', import.meta.url));

/** Which of the two forms of the Python classes is used. */
export type Form = 'blocking' | 'asyncio';

/** What is asked of the Python library: a method of an object that these settings open. */
export interface Request {
  readonly kind: 'Queue' | 'Flow' | 'QueueEvents';
  readonly name: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly method: string;
  readonly args?: readonly unknown[];
  readonly kwargs?: Readonly<Record<string, unknown>>;
}

/** An exception of the Python library. */
export class PythonError extends Error {
  /** Name of its class. */
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

/** A Python process that publishes. Requests are answered one after the other. */
export class PythonPublisher {
  readonly #process: ResultPromise<{ reject: false; stdin: 'pipe'; buffer: false; stderr: 'inherit' }>;
  readonly #answers: AsyncIterator<string>;
  #last: Promise<unknown> = Promise.resolve();

  constructor(form: Form) {
    const python = process.env.PYTHON;
    if (!python) throw new Error('These tests need Python: run them with `npm test`, or set PYTHON');
    this.#process = execa(python, [PROGRAM, form], { reject: false, stdin: 'pipe', buffer: false, stderr: 'inherit' });
    this.#answers = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  /**
   * Calls a method of the Python library.
   *
   * @throws {@link PythonError} with what it raised.
   */
  async call({ args = [], kwargs = {}, ...request }: Request): Promise<unknown> {
    const answer = this.#last.then(async () => {
      this.#process.stdin.write(`${JSON.stringify({ ...request, args, kwargs })}\n`);
      const { value, done } = await this.#answers.next();
      if (done) throw new Error('The Python publisher has ended');
      return JSON.parse(value) as { value?: unknown; error?: { type: string; message: string } };
    });
    this.#last = answer.catch(() => undefined);
    const { value, error } = await answer;
    if (error !== undefined) throw new PythonError(error.type, error.message);
    return value;
  }

  /** Ends the process. */
  async close(): Promise<void> {
    this.#process.stdin.end();
    await this.#process;
  }
}
