import { Command, CommanderError } from 'commander';
import { checkEmitted, emit } from './emit.js';
import { EXIT, type ExitCode } from './exit-code.js';
import { type EmitFlags, resolveSettings } from './settings.js';
import type { Terminal } from './terminal.js';

const EMIT_HELP = `
Settings that are not given as flags come from the key "bullmq-bridge" of package.json:
  "bullmq-bridge": { "contracts": "src/jobs", "schemas": "schemas", "bundle": "worker/bundle.json",
                     "python": "worker/payloads.py", "pythonTypes": "TypedDict" }

Exit codes:
  0  written, or with --check: up to date
  1  a contract or the installed bullmq is refused, or with --check: something is stale
  2  wrong flags or settings, or nothing to emit

Examples:
  $ bullmq-bridge emit
  $ bullmq-bridge emit --contracts src/queues --out worker/schemas --bundle worker/bundle.json
  $ bullmq-bridge emit --check      # in CI`;

/** Errors whose message already says what happened and what to do; by name, for a contract may bring its own copy of them. */
const EXPECTED_ERRORS: ReadonlyMap<string, ExitCode> = new Map([
  ['CliError', EXIT.usage],
  ['ContractDefinitionError', EXIT.refused],
  ['ContractLintError', EXIT.refused],
  ['ProtocolError', EXIT.refused],
]);

/**
 * Runs `bullmq-bridge` with the arguments that follow its name.
 *
 * @param projectFolder - folder whose package.json, contracts and BullMQ are meant.
 * @returns the exit code.
 */
export async function run(args: readonly string[], projectFolder: string, terminal: Terminal): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok;
  const program = new Command('bullmq-bridge')
    .description('One contract for BullMQ jobs that Node enqueues and Python works.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: (text) => terminal.complain(text.trimEnd()),
    });

  program
    .command('emit')
    .description(
      'Write the JSON Schemas of the contracts, and types and the protocol bundle for Python. Needs no Redis.',
    )
    .option('--contracts <path>', 'folder (or file) of the modules that export contracts (default: src/jobs)')
    .option('--out, --schemas <folder>', 'folder of the emitted schemas (default: schemas)')
    .option('--bundle <file>', "file of the protocol bundle; without it, Python uses its package's own")
    .option('--python <file>', 'file of the Python types of data and results; without it, none is written')
    .option('--python-types <kind>', 'TypedDict or dataclass (default: TypedDict)')
    .option('--check', 'write nothing; exit 1 with a diff when something is stale')
    .addHelpText('after', EMIT_HELP)
    .action(async ({ check, ...flags }: EmitFlags & { check?: boolean }) => {
      const settings = resolveSettings(projectFolder, flags);
      exitCode = await (check ? checkEmitted : emit)(projectFolder, settings, terminal);
    });

  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    return explain(error, terminal);
  }
}

function explain(error: unknown, terminal: Terminal): ExitCode {
  if (error instanceof CommanderError) {
    // Commander has written its own message, or the help that was asked for.
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
  if (!(error instanceof Error)) {
    throw error;
  }
  const expected = EXPECTED_ERRORS.get(error.name);
  terminal.complain(terminal.paint('red', expected === undefined ? (error.stack ?? error.message) : error.message));
  return expected ?? EXIT.usage;
}
