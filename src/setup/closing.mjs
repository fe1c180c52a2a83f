import { constants } from 'node:os';

/** @type {Array<() => unknown>} */
const closers = [];

/** @type {Promise<void> | undefined} */
let closing;

/**
 * Notes what has to be undone when this command ends, in whatever way: a process to stop, a folder to remove.
 *
 * @param {() => unknown} close
 */
export function onClose(close) {
  closers.push(close);
}

/**
 * Undoes everything that was noted, the last first. A second call waits for the first.
 *
 * @returns {Promise<void>}
 */
export function closeAll() {
  closing ??= (async () => {
    for (const close of closers.reverse()) {
      try {
        await close();
      } catch (error) {
        console.error(error);
      }
    }
  })();
  return closing;
}

/** @returns {boolean} whether everything is being undone: errors that come of that are none */
export function isClosing() {
  return closing !== undefined;
}

/** How often it is looked whether npm is still there. */
const PARENT_CHECK_MS = 500;

/**
 * Makes Ctrl-C, SIGTERM and a closed terminal end this command in order, with the exit code that shells give them. So does
 * the end of npm, when it is npm that runs this command.
 */
export function closeOnSignals() {
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => {
      if (!closing) process.stderr.write(`\n${signal}: stopping\n`);
      end(128 + constants.signals[signal]);
    });
  }
  // Whoever read our output has gone, as in `npm run demo | head`.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', () => end(128 + constants.signals.SIGPIPE));
  }
  // A killed npm tells nobody; our parent is another process then.
  if (!process.env.npm_lifecycle_event) return;
  const { ppid } = process;
  const check = () => process.ppid !== ppid && end(128 + constants.signals.SIGTERM);
  setInterval(check, PARENT_CHECK_MS).unref();
}

/** @param {number} code */
function end(code) {
  closeAll().then(() => process.exit(code));
}
