import { spawn } from 'node:child_process';

/** How long a process may take to end after SIGTERM before it is killed, unless said otherwise. */
const GRACE_S = 10;

/**
 * Stands by in case this process ends without stopping its child (kill -9 included). It reads a pipe whose other end this
 * process holds: first the child's process id, then nothing until the pipe closes. Then the child gets SIGTERM, and after
 * the grace time its session SIGKILL. `read` is built into the shell: while it waits, the watcher has no process of its
 * own that could be left behind.
 */
const WATCHER = `
read -r child || exit
read -r nothing
kill -TERM "$child"
tenths=$(($1 * 10))
while [ $tenths -gt 0 ] && kill -0 "$child"; do sleep 0.1; tenths=$((tenths - 1)); done
kill -KILL "-$child"
`;

/** Starts the program when the watcher knows of it, and not at all when this process is gone before that. */
const STARTER = `
read -r go || exit
exec "$@" </dev/null
`;

/**
 * @typedef {object} Leashed
 * @property {string} name
 * @property {Promise<number>} exited resolves to the exit code when the program ends; 127 when it does not exist, 128 when
 *   a signal ended it
 * @property {() => Promise<number>} stop SIGTERM, then SIGKILL after the grace time; may be called again
 */

/**
 * Starts a program that lives no longer than this process, however this process ends. It gets a session of its own, so
 * that a Ctrl-C in the terminal reaches this process only, which then stops its children in the right order.
 *
 * @param {string} name for messages
 * @param {string} program
 * @param {readonly string[]} args
 * @param {object} [options]
 * @param {string} [options.cwd]
 * @param {NodeJS.ProcessEnv} [options.env]
 * @param {'inherit' | 'ignore' | 'pipe' | number} [options.output] where its output and errors go; a number is a file descriptor
 * @param {(text: string) => void} [options.onOutput] receives what it prints, with `output: 'pipe'`
 * @param {number} [options.graceSeconds]
 * @returns {Leashed}
 */
export function leash(name, program, args, options = {}) {
  const { cwd, env, output = 'inherit', onOutput, graceSeconds = GRACE_S } = options;
  const watcher = spawn('sh', ['-c', WATCHER, 'sh', String(graceSeconds)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  const child = spawn('sh', ['-c', STARTER, 'sh', program, ...args], {
    cwd,
    env,
    stdio: ['pipe', output, output],
    detached: true,
  });
  const { pid } = child;
  if (pid === undefined || !child.stdin) throw new Error(`${name}: cannot start a process`);
  watcher.stdin.write(`${pid}\n`, () => child.stdin?.end('go\n'));
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text) => onOutput?.(text));

  let ended = false;
  /** @type {NodeJS.Timeout | undefined} */
  let killTimer;
  /** @type {Promise<number>} */
  const exited = new Promise((resolve) => {
    child.once('exit', () => {
      ended = true;
      clearTimeout(killTimer);
      killSession(pid);
      watcher.kill('SIGKILL');
    });
    child.once('close', (code) => resolve(code ?? 128)); // all its output has come
  });
  return {
    name,
    exited,
    stop: () => {
      if (!ended) {
        child.kill('SIGTERM');
        killTimer ??= setTimeout(() => killSession(pid), graceSeconds * 1000);
      }
      return exited;
    },
  };
}

/**
 * Ends everything in a child's session: the child, and what it may have left behind.
 *
 * @param {number} pid
 */
function killSession(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // nothing is left
  }
}
