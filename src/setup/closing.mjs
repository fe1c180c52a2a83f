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

/** Makes Ctrl-C, SIGTERM and a closed terminal end this command in order, with the exit code that shells give them. */
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
}

/** @param {number} code */
function end(code) {
  closeAll().then(() => process.exit(code));
}
