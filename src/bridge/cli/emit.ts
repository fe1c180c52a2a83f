import { join } from 'node:path';
import { renderContracts } from '../contract/document.js';
import { wireJobs } from '../contract/wire.js';
import { buildBundle, serialiseBundle } from '../protocol/bundle.js';
import { readInstalledBullmq } from '../protocol/installed.js';
import { findContracts } from './contracts.js';
import { writeAtomically } from './file.js';
import type { EmitSettings } from './settings.js';

/** Writes schemas and bundle. */
export async function emit(projectFolder: string, settings: EmitSettings): Promise<void> {
  const found = await findContracts(projectFolder, settings.contracts);
  for (const [name, content] of renderContracts(
    new Map(found.map(({ contract, file }) => [contract.name, wireJobs(contract, file)])),
  )) {
    writeAtomically(join(settings.schemas, name), content);
  }
  if (settings.bundle !== undefined) {
    writeAtomically(settings.bundle, serialiseBundle(buildBundle(readInstalledBullmq(projectFolder))));
  }
}
