import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of this clone. */
export const ROOT = resolve(fileURLToPath(new URL('../..', import.meta.url)));

/** The Python project within it. */
export const PYTHON_CLIENT = join(ROOT, 'python-client');

/** The protocol bundle, which `bullmq-bridge emit` generates. */
export const BUNDLE = join(PYTHON_CLIENT, 'bullmq_bridge', 'protocol', 'bundle.json');

/** What set-up downloads or notes for the next start; git ignores it. */
export const CACHE = join(ROOT, '.cache');
