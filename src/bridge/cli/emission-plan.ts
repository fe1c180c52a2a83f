import { relative } from 'node:path';
import { pastVerdicts } from '../compatibility/past-verdict.js';
import { renderContracts, type WireQueues } from '../contract/document.js';
import { renderPythonModule } from '../contract/python/module.js';
import { wireJobs } from '../contract/wire.js';
import { buildBundle, type ProtocolBundle } from '../protocol/bundle.js';
import { readBullmq } from '../protocol/installed.js';
import { findContracts } from './contracts.js';
import { SchemasFolder } from './schemas-folder.js';
import type { EmitSettings } from './settings.js';

/** What `emit` would write. Nothing has been written yet. */
export interface EmissionPlan {
  readonly queues: WireQueues;
  /** Files of the schemas folder: name -> content. */
  readonly schemas: ReadonlyMap<string, string>;
  /** Undefined when the project wants none. */
  readonly bundle: ProtocolBundle | undefined;
  /** The Python types; undefined when the project wants none. */
  readonly python: string | undefined;
  readonly warnings: readonly string[];
  /** What is checked in TypeScript only, as the contracts' authors have said: sentences that name the place. */
  readonly exceptions: readonly string[];
}

/**
 * Works out what to emit: contracts are imported, linted and translated, and the installed BullMQ is read.
 *
 * @throws CliError, ContractDefinitionError, ContractLintError or ProtocolError, each saying what to do.
 */
export async function planEmission(projectFolder: string, settings: EmitSettings): Promise<EmissionPlan> {
  const queues = await wireContracts(projectFolder, settings.contracts);
  const jobs = [...queues.values()].flatMap((wired) => [...wired.values()]);
  const folder = new SchemasFolder(settings.schemas, relative(projectFolder, settings.schemas));
  const history = folder.historyAfter(queues);
  return {
    queues,
    schemas: renderContracts(queues, (queue, job, wire) =>
      pastVerdicts(
        wire,
        history.filter((version) => version.queue === queue && version.job === job),
      ),
    ),
    bundle: settings.bundle === undefined ? undefined : buildBundle(readBullmq(settings.bullmq)),
    python: settings.python === undefined ? undefined : renderPythonModule(queues, settings.pythonTypes),
    warnings: jobs.flatMap((job) => job.warnings),
    exceptions: jobs.flatMap((job) => job.exceptions),
  };
}

/** The contracts of a project as the other language sees them. */
export async function wireContracts(projectFolder: string, contracts: string): Promise<WireQueues> {
  const found = await findContracts(projectFolder, contracts);
  return new Map(found.map(({ contract, file }) => [contract.name, wireJobs(contract, file)]));
}
