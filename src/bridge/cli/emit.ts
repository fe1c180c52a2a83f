import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { type ProtocolBundle, serialiseBundle } from '../protocol/bundle.js';
import { type EmissionPlan, planEmission } from './emission-plan.js';
import { EXIT, type ExitCode } from './exit-code.js';
import { writeAtomically } from './file.js';
import { writePythonModule } from './python-module.js';
import { SchemasFolder } from './schemas-folder.js';
import type { EmitSettings } from './settings.js';
import { compareFile, type StaleFile } from './stale-file.js';
import type { Terminal } from './terminal.js';

/** Writes schemas, Python types and protocol bundle. */
export async function emit(projectFolder: string, settings: EmitSettings, terminal: Terminal): Promise<ExitCode> {
  const plan = await planEmission(projectFolder, settings);
  const schemas = relative(projectFolder, settings.schemas);
  warn(plan, terminal);

  const folder = new SchemasFolder(settings.schemas, schemas);
  const kept = folder.keep(plan.queues);
  const removed = folder.write(plan.schemas);
  terminal.print(`Wrote ${plan.schemas.size} files to ${schemas}.`);
  for (const name of kept) {
    terminal.print(
      `Kept the version that was there as ${schemas}/${name}: jobs in Redis may have been written with it.`,
    );
  }
  for (const name of removed) {
    terminal.print(`Removed ${schemas}/${name}: no contract has it any more.`);
  }
  if (settings.python !== undefined && plan.python !== undefined) {
    const python = relative(projectFolder, settings.python);
    writePythonModule(settings.python, python, plan.python);
    terminal.print(`Wrote ${python}.`);
  }
  if (settings.bundle !== undefined && plan.bundle !== undefined) {
    writeAtomically(settings.bundle, serialiseBundle(plan.bundle));
    terminal.print(`Wrote ${relative(projectFolder, settings.bundle)}: ${describeBundle(plan.bundle)}.`);
  }
  return EXIT.ok;
}

/** Says what `emit` would change, and changes nothing. */
export async function checkEmitted(
  projectFolder: string,
  settings: EmitSettings,
  terminal: Terminal,
): Promise<ExitCode> {
  const plan = await planEmission(projectFolder, settings);
  const schemas = relative(projectFolder, settings.schemas);
  warn(plan, terminal);

  const stale = new SchemasFolder(settings.schemas, schemas).compare(plan.schemas);
  const stalePython = compareWithPython(projectFolder, settings, plan);
  for (const { diff } of [...stale, ...stalePython]) {
    terminal.print(paintDiff(diff, terminal));
  }
  const complaints = stale.map(({ name, kind }) =>
    kind === 'left over' ? `${schemas}/${name} is left over: no contract has it` : `${schemas}/${name} is ${kind}`,
  );
  complaints.push(...stalePython.map(({ name, kind }) => `${name} is ${kind}`));
  if (settings.bundle !== undefined && plan.bundle !== undefined && isStaleBundle(settings.bundle, plan.bundle)) {
    complaints.push(
      `${relative(projectFolder, settings.bundle)} was made from another bullmq than the installed one, or by another bullmq-bridge`,
    );
  }

  if (complaints.length === 0) {
    const python = settings.python === undefined ? undefined : relative(projectFolder, settings.python);
    terminal.print(python === undefined ? `${schemas} is up to date.` : `${schemas} and ${python} are up to date.`);
    return EXIT.ok;
  }
  for (const complaint of complaints) {
    terminal.complain(terminal.paint('red', complaint));
  }
  terminal.complain('Run: bullmq-bridge emit');
  if (stale.some(({ kind }) => kind === 'left over')) {
    terminal.complain(`emit removes only what it wrote itself; remove other left-over files from ${schemas} by hand.`);
  }
  return EXIT.refused;
}

function warn(plan: EmissionPlan, terminal: Terminal): void {
  for (const warning of plan.warnings) {
    terminal.complain(terminal.paint('yellow', `Warning: ${warning}`));
  }
  for (const exception of plan.exceptions) {
    terminal.complain(terminal.paint('yellow', `Checked in TypeScript only: ${exception}`));
  }
}

function compareWithPython(projectFolder: string, settings: EmitSettings, plan: EmissionPlan): StaleFile[] {
  if (settings.python === undefined) {
    return [];
  }
  const name = relative(projectFolder, settings.python);
  const stale = compareFile(settings.python, name, plan.python);
  return stale === undefined ? [] : [{ name, ...stale }];
}

/** A bundle that is not there is not stale: it is generated and never committed, so a fresh clone has none. */
function isStaleBundle(file: string, wanted: ProtocolBundle): boolean {
  return existsSync(file) && readFileSync(file, 'utf8') !== serialiseBundle(wanted);
}

function describeBundle(bundle: ProtocolBundle): string {
  return `${Object.keys(bundle.scripts).length} scripts of bullmq ${bundle.bullmq}`;
}

function paintDiff(diff: string, terminal: Terminal): string {
  return diff
    .trimEnd()
    .split('\n')
    .map((line) => {
      if (line.startsWith('+')) {
        return terminal.paint('green', line);
      }
      if (line.startsWith('-')) {
        return terminal.paint('red', line);
      }
      return line.startsWith('@@') ? terminal.paint('cyan', line) : line;
    })
    .join('\n');
}
