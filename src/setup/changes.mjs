import { join } from 'node:path';
import { onClose } from './closing.mjs';
import { leash } from './leash.mjs';
import { ROOT } from './place.mjs';
import { setUp } from './set-up.mjs';
import { withoutSettings } from './surroundings.mjs';

/** `npm test` has a few; these take a minute or two. */
const PAIRS = 2_500;

/**
 * `npm run test:changes`: the long run of the proof that no gate refuses a value across a change that `check` lets through.
 *
 * @returns {Promise<number>} exit code
 */
export async function testChanges() {
  const python = await setUp();
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const run = leash('vitest', process.execPath, [vitest, 'run', '--project', 'contract', 'test/changes/pairs'], {
    cwd: ROOT,
    env: { CHANGES_PAIRS: String(PAIRS), ...withoutSettings(process.env), PYTHON: python },
  });
  onClose(run.stop);
  return run.exited;
}
