#!/usr/bin/env node
import { Command } from 'commander';
import { emit } from './emit.js';
import { type EmitFlags, resolveSettings } from './settings.js';

const program = new Command('bullmq-bridge');

program
  .command('emit')
  .option('--contracts <path>')
  .option('--schemas, --out <folder>')
  .option('--bundle <file>')
  .action(async (flags: EmitFlags) => {
    const projectFolder = process.cwd();
    await emit(projectFolder, resolveSettings(projectFolder, flags));
  });

await program.parseAsync();
