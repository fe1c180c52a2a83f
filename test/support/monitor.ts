import { once } from 'node:events';
import type { Redis } from 'ioredis';
import { waitFor } from './wait-for.js';

/** A command that a client sent, as Redis' MONITOR tells it: its name in lower case, its arguments byte for byte. */
export interface Command {
  readonly name: string;
  readonly args: readonly Buffer[];
}

const LINE = /^\+\d+\.\d+ \[\d+ (\S+)\] (".*")$/;
const QUOTED = /"((?:[^"\\]|\\.)*)"/g;
const ESCAPE = /\\(x[0-9a-fA-F]{2}|.)/g;
const ESCAPED: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b' };

/** Everything that clients send to a Redis and that mentions a word; what scripts call is left out. */
export class Monitor {
  readonly #redis: Redis;
  readonly #connection: Redis;
  readonly #word: string;
  readonly #commands: Command[] = [];
  #isListening = false;
  #rest = '';

  private constructor(redis: Redis, connection: Redis, word: string) {
    this.#redis = redis;
    this.#connection = connection;
    this.#word = word;
    // ioredis opens the connection, but does not read it: it leaves most escapes in, so that binary arguments cannot be
    // told from text, and it breaks when the first line comes together with the answer to MONITOR.
    connection.stream.removeAllListeners('data');
    connection.stream.on('data', (chunk: Buffer) => this.#take(chunk));
    connection.stream.write('MONITOR\r\n');
  }

  /** Begins to listen. */
  static async open(redis: Redis, word: string): Promise<Monitor> {
    const connection = redis.duplicate();
    await once(connection, 'ready');
    const monitor = new Monitor(redis, connection, word);
    await waitFor('answer to MONITOR', () => monitor.#isListening);
    return monitor;
  }

  /** What was sent since the monitor was opened. */
  get commands(): readonly Command[] {
    return this.#commands;
  }

  /** What was sent until now; waits until all of it has arrived here. */
  async settled(): Promise<readonly Command[]> {
    const mark = `${this.#word}:mark:${this.#commands.length}`;
    await this.#redis.echo(mark);
    const at = await waitFor('arrival of a mark at the monitor', () => {
      const index = this.#commands.findIndex(({ name, args }) => name === 'echo' && args[0]?.toString() === mark);
      return index === -1 ? undefined : { index };
    });
    return this.#commands.slice(0, at.index);
  }

  close(): void {
    this.#connection.disconnect();
  }

  #take(chunk: Buffer): void {
    // A line has no other control characters and nothing beyond ASCII: MONITOR escapes them.
    const lines = (this.#rest + chunk.toString('latin1')).split('\r\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      this.#isListening ||= line === '+OK';
      if (!line.includes(this.#word)) continue;
      const [, client, quoted = ''] = LINE.exec(line) ?? [];
      if (client === undefined || client === 'lua') continue;
      const [name, ...args] = [...quoted.matchAll(QUOTED)].map(([, text = '']) => unquote(text));
      this.#commands.push({ name: String(name).toLowerCase(), args });
    }
  }
}

function unquote(text: string): Buffer {
  const plain = text.replace(ESCAPE, (_, code: string) =>
    code.startsWith('x') && code.length === 3
      ? String.fromCharCode(Number.parseInt(code.slice(1), 16))
      : (ESCAPED[code] ?? code),
  );
  return Buffer.from(plain, 'latin1');
}
