// The entry of every npm script: `node src/setup/run.mjs COMMAND`. It has to load on a Node that is too old for the rest
// and in a clone without node_modules, so whatever needs more is imported when its turn has come.
import { nodeProblem } from './version.mjs';

/** @type {Map<string | undefined, () => Promise<number>>} */
const COMMANDS = new Map([
  ['bullmq-diff', () => import('./bullmq-diff.mjs').then((module) => module.diffBullmq(process.argv.slice(3)))],
  ['bench', () => import('./bench.mjs').then((module) => module.bench(process.argv.slice(3)))],
  ['changes', () => import('./changes.mjs').then((module) => module.testChanges())],
  ['check', () => import('./check.mjs').then((module) => module.check())],
  ['demo', () => import('./demo.mjs').then((module) => module.demo())],
  ['format', () => import('./check.mjs').then((module) => module.format())],
  ['gates', () => import('./gates.mjs').then((module) => module.gates(process.argv.slice(3)))],
  ['matrix', () => import('./matrix.mjs').then((module) => module.matrix(process.argv.slice(3)))],
  ['setup', () => import('./set-up.mjs').then((module) => module.setUpAll()).then(() => 0)],
  ['start', () => import('./start.mjs').then((module) => module.start())],
  ['test', () => import('./test.mjs').then((module) => module.test())],
]);

/** @param {() => Promise<number>} command */
async function run(command) {
  const { closeAll, closeOnSignals, isClosing } = await import('./closing.mjs');
  const { SetupFailure } = await import('./failure.mjs');
  closeOnSignals();
  let code = 1;
  try {
    if (process.platform === 'win32') throw new SetupFailure('Windows itself is not supported: use WSL.');
    code = await command();
  } catch (error) {
    if (isClosing()) return; // a signal ended this command, and its handler ends the process
    if (!(error instanceof SetupFailure)) throw error;
    console.error(error.details ? `${error.message}\n${error.details}` : error.message);
  } finally {
    await closeAll();
  }
  process.exit(code);
}

const problem = nodeProblem(process.versions.node);
const command = COMMANDS.get(process.argv[2]);
if (problem) {
  console.error(problem);
  process.exit(1);
} else if (!command) {
  console.error(`Usage: node src/setup/run.mjs ${[...COMMANDS.keys()].join(' | ')}`);
  process.exit(1);
} else {
  run(command);
}
