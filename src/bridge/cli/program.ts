import { Command, CommanderError, Option } from 'commander';
import { type CheckOptions, check } from './check-command.js';
import { type CheckFormat, FORMATS } from './check-format.js';
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
  $ bullmq-bridge emit --bullmq ../backend/node_modules/bullmq --bundle worker/bundle.json
  $ bullmq-bridge emit --check      # in CI`;

const CHECK_HELP = `
The contracts as they are now are compared with what --against names:
  a commit   the schemas folder as it is committed there: what runs now, for example origin/main
  a folder   that \`bullmq-bridge emit\` wrote
  redis      the jobs in the Redis of REDIS_URL: waiting, delayed, failed, scheduled and so on
Every version in the history folder of the schemas is compared too, for it may have left jobs in Redis.

Exit codes:
  0  may be deployed in any order, or all else is allowed
  1  an order has to be kept, or no order is safe
  2  wrong flags or settings, or nothing to compare with

Examples:
  $ bullmq-bridge check --against origin/main
  $ bullmq-bridge check --against origin/main --allow enum-widened --format github
  $ REDIS_URL=redis://127.0.0.1:6379 bullmq-bridge check --against redis`;

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
    .option('--bullmq <folder>', "of the BullMQ that the backend runs (default: the project's own)")
    .option('--python <file>', 'file of the Python types of data and results; without it, none is written')
    .option('--python-types <kind>', 'TypedDict or dataclass (default: TypedDict)')
    .option('--check', 'write nothing; exit 1 with a diff when something is stale')
    .addHelpText('after', EMIT_HELP)
    .action(async ({ check, ...flags }: EmitFlags & { check?: boolean }) => {
      const settings = resolveSettings(projectFolder, flags);
      exitCode = await (check ? checkEmitted : emit)(projectFolder, settings, terminal);
    });

  program
    .command('check')
    .description('Say whether the contracts may be deployed where others run, and in which order.')
    .requiredOption('--against <what>', 'a commit that git knows, a folder, or redis')
    .option('--allow <rule...>', 'rules whose changes are accepted, for example enum-widened', [])
    .addOption(
      new Option('--format <format>', 'how the report is printed').choices(Object.keys(FORMATS)).default('human'),
    )
    .option('--json', 'the same as --format json')
    .option('--prefix <prefix>', 'of the keys in Redis', 'bull')
    .option('--contracts <path>', 'folder (or file) of the modules that export contracts (default: src/jobs)')
    .option('--schemas <folder>', 'folder of the emitted schemas (default: schemas)')
    .addHelpText('after', CHECK_HELP)
    .action(async ({ contracts, schemas, json, format, ...flags }: CheckFlags) => {
      const settings = resolveSettings(projectFolder, {
        ...(contracts === undefined ? {} : { contracts }),
        ...(schemas === undefined ? {} : { schemas }),
      });
      const options: CheckOptions = { ...flags, format: json === true ? 'json' : format };
      exitCode = await check(projectFolder, settings, options, terminal);
    });

  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    return explain(error, terminal);
  }
}

type CheckFlags = EmitFlags & {
  readonly against: string;
  readonly allow: readonly string[];
  readonly format: CheckFormat;
  readonly json?: boolean;
  readonly prefix: string;
};

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
