import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { execa, type ResultPromise } from 'execa';

const FOLDER = fileURLToPath(new URL('contestants/', import.meta.url));
/** Clock ticks of /proc are hundredths of a second on every Linux. */
const MS_PER_TICK = 10;

/** Whose worker: Node's own, the official Python package's, or ours with one kind of slots. */
export type Kind = 'node' | 'official' | 'async' | 'thread' | 'process';

/** The Python interpreters of the contestants. */
export interface Interpreters {
  readonly bridge: string;
  readonly official: string;
}

/** A worker process of one contestant. */
export class Contestant {
  readonly #process: ResultPromise<{ reject: false; stdout: 'pipe'; stderr: 'pipe'; buffer: false }>;
  readonly ready: Promise<void>;

  readonly kind: Kind;

  constructor(
    kind: Kind,
    queue: string,
    concurrency: number,
    redisUrl: string,
    interpreters: Interpreters,
    environment: Readonly<Record<string, string>> = {},
    scenario: 'worker' | 'pause' = 'worker',
  ) {
    this.kind = kind;
    const [program, file] = {
      node: [process.execPath, `node_${scenario}.mjs`],
      official: [interpreters.official, `official_${scenario}.py`],
      async: [interpreters.bridge, `bridge_${scenario}.py`],
      thread: [interpreters.bridge, `bridge_${scenario}.py`],
      process: [interpreters.bridge, `bridge_${scenario}.py`],
    }[kind] as [string, string];
    this.#process = execa(program, [FOLDER + file], {
      env: { ...environment, REDIS_URL: redisUrl, QUEUE: queue, CONCURRENCY: String(concurrency), POOL: kind },
      reject: false,
      stdout: 'pipe',
      stderr: 'pipe',
      buffer: false,
    });
    this.ready = this.#untilReady();
  }

  /** CPU time of the process and its children so far, in ms. */
  cpuMs(): number {
    const pid = this.#pid;
    return [pid, ...childrenOf(pid)].reduce((sum, each) => sum + cpuMsOf(each), 0);
  }

  /** Resident memory in MiB of the process, and of each of its children. */
  memoryMib(): { own: number; children: number[] } {
    const pid = this.#pid;
    return { own: residentMib(pid), children: childrenOf(pid).map(residentMib) };
  }

  async stop(): Promise<void> {
    this.#process.kill('SIGTERM');
    await this.#process;
  }

  get #pid(): number {
    const { pid } = this.#process;
    if (pid === undefined) throw new Error(`the ${this.kind} worker could not be started`);
    return pid;
  }

  #untilReady(): Promise<void> {
    return new Promise((resolve, reject) => {
      let errors = '';
      this.#process.stderr.on('data', (chunk: Buffer) => {
        errors = (errors + chunk.toString()).slice(-4_000);
      });
      this.#process.stdout.on('data', (chunk: Buffer) => {
        if (chunk.toString().includes('ready')) resolve();
      });
      this.#process.then(() => reject(new Error(`the ${this.kind} worker ended:\n${errors}`)));
    });
  }
}

function cpuMsOf(pid: number): number {
  // After the name, which may hold spaces: state, …, utime and stime are fields 14 and 15 of the line.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number),
  );
}

function residentMib(pid: number): number {
  const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1] ?? 0) / 1024;
}
