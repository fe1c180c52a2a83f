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
      closeAll().then(() => process.exit(128 + constants.signals[signal]));
    });
  }
}
