import { spawn } from 'node:child_process';

/** How long a process may take to end after SIGTERM before it is killed, unless said otherwise. */
const GRACE_S = 10;

/**
 * The program runs in the foreground of a session of its own, so a Ctrl-C in the terminal reaches this process only,
 * which then stops its children in the right order. Beside it a watcher reads a pipe whose other end this process holds:
 * when the pipe closes, because of `stop()` or because this process is gone (kill -9 included), the program gets SIGTERM,
 * and after the grace time the whole session gets SIGKILL. The watcher is nobody's child, lest the program reaps it.
 */
const SCRIPT = `
exec 3<&0 </dev/null
( (
  exec >/dev/null 2>&1
  cat <&3
  kill -TERM $$
  tenths=$((LEASH_GRACE_S * 10))
  while [ $tenths -gt 0 ] && kill -0 $$; do sleep 0.1; tenths=$((tenths - 1)); done
  kill -KILL -$$
) & )
exec 3<&-
unset LEASH_GRACE_S
exec "$@"
`;

/**
 * @typedef {object} Leashed
 * @property {string} name
 * @property {number} pid
 * @property {Promise<number>} exited resolves to the exit code when the program ends, 128 when a signal ended it
 * @property {() => Promise<number>} stop SIGTERM, then SIGKILL after the grace time; may be called again
 */

/**
 * Starts a program that lives no longer than this process, however this process ends.
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
  const { cwd, env = process.env, output = 'inherit', onOutput, graceSeconds = GRACE_S } = options;
  const child = spawn('sh', ['-c', SCRIPT, 'sh', program, ...args], {
    cwd,
    env: { ...env, LEASH_GRACE_S: String(graceSeconds) },
    stdio: ['pipe', output, output],
    detached: true,
  });
  if (!child.stdin || child.pid === undefined) throw new Error(`${name}: sh could not be started`);
  const { stdin, pid } = child;
  stdin.on('error', () => {}); // the program ended first
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text) => onOutput?.(text));

  /** @type {Promise<number>} */
  const exited = new Promise((resolve) => {
    child.once('exit', (code) => {
      endSession(pid);
      resolve(code ?? 128);
    });
  });
  return {
    name,
    pid,
    exited,
    stop: () => {
      stdin.end();
      return exited;
    },
  };
}

/**
 * Ends what is left of a session: the watcher, and children that its program left behind. The watcher has kept the
 * number of the group from being given to another.
 *
 * @param {number} pid
 */
function endSession(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // nothing was left
  }
}
