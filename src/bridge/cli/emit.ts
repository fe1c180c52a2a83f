import { join } from 'node:path';
import { renderContracts } from '../contract/document.js';
import { buildBundle, serialiseBundle } from '../protocol/bundle.js';
import { readInstalledBullmq } from '../protocol/installed.js';
import { findContracts } from './contracts.js';
import { writeAtomically } from './file.js';
import type { EmitSettings } from './settings.js';

/** Writes schemas and bundle. */
export async function emit(projectFolder: string, settings: EmitSettings): Promise<void> {
  const found = await findContracts(projectFolder, settings.contracts);
  for (const [name, content] of renderContracts(found.map(({ contract }) => contract))) {
    writeAtomically(join(settings.schemas, name), content);
  }
  if (settings.bundle !== undefined) {
    writeAtomically(settings.bundle, serialiseBundle(buildBundle(readInstalledBullmq(projectFolder))));
  }
}
