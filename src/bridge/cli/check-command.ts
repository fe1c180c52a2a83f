import { relative } from 'node:path';
import { JOB_RULES, SCHEMA_RULES } from '../compatibility/change.js';
import { contractChanges, type JobReport } from '../compatibility/contract-changes.js';
import { type CheckFormat, type CheckReport, FORMATS } from './check-format.js';
import { redisReports } from './check-redis.js';
import { contractsAt } from './check-reference.js';
import { wireContracts } from './emission-plan.js';
import { CliError } from './error.js';
import { EXIT, type ExitCode } from './exit-code.js';
import { SchemasFolder } from './schemas-folder.js';
import type { EmitSettings } from './settings.js';
import type { Terminal } from './terminal.js';

/** What `check` takes from the command line. */
export interface CheckOptions {
  /** `redis`, a folder, or something that git knows. */
  readonly against: string;
  /** Rules whose changes are accepted. */
  readonly allow: readonly string[];
  readonly format: CheckFormat;
  /** Of the keys in Redis; BullMQ's own is `bull`. */
  readonly prefix: string;
}

const RULES = [...JOB_RULES, ...SCHEMA_RULES];

/** Says whether the contracts may be deployed where others ran, and in which order. */
export async function check(
  projectFolder: string,
  settings: EmitSettings,
  options: CheckOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  for (const rule of options.allow) {
    if (!RULES.includes(rule)) {
      throw new CliError(`--allow ${rule}: there is no such rule. There are: ${RULES.join(', ')}`);
    }
  }
  const current = await wireContracts(projectFolder, settings.contracts);
  const folder = new SchemasFolder(settings.schemas, relative(projectFolder, settings.schemas));
  const reports: readonly JobReport[] =
    options.against === 'redis'
      ? await redisReports(current, folder.historyAfter(current), {
          url: process.env.REDIS_URL,
          prefix: options.prefix,
        })
      : contractChanges(contractsAt(options.against, projectFolder, settings.schemas), current, folder.history());

  const report: CheckReport = {
    against: options.against,
    schemas: relative(projectFolder, settings.schemas),
    jobs: reports,
    isAllowed: ({ rule, verdict }) => verdict === 'any order' || options.allow.includes(rule),
  };
  const isSafe = reports.every(({ changes }) => changes.every(report.isAllowed));
  FORMATS[options.format](report, terminal);
  return isSafe ? EXIT.ok : EXIT.refused;
}
