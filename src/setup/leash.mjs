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
  // Before the child, which may be all that is left a moment later.
  const watcher = spawn('sh', ['-c', WATCHER, 'sh', String(graceSeconds)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', output, output], detached: true });
  const { pid } = child;
  if (pid !== undefined) watcher.stdin.write(`${pid}\n`);
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text) => onOutput?.(text));

  let ended = false;
  /** @type {NodeJS.Timeout | undefined} */
  let killTimer;
  /** @type {Promise<number>} */
  const exited = new Promise((resolve) => {
    /** @param {number} code */
    const end = (code) => {
      ended = true;
      clearTimeout(killTimer);
      if (pid !== undefined) killSession(pid);
      watcher.kill('SIGKILL');
      resolve(code);
    };
    child.once('exit', (code) => end(code ?? 128));
    child.once('error', (error) => {
      console.error(`${name}: ${error.message}`);
      end(127);
    });
  });
  return {
    name,
    exited,
    stop: () => {
      if (!ended && pid !== undefined) {
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
