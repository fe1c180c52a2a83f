import { spawn } from 'node:child_process';
import { SetupFailure } from './failure.mjs';

/** How many lines of a tool's output are shown from its beginning, and from its end. */
const EXCERPT_LINES = 12;

/**
 * @typedef {object} Captured
 * @property {number} code exit code; 127 when the program does not exist, 128 when a signal ended it
 * @property {string} output standard output and standard error in the order in which they came
 */

/**
 * Runs a program to its end without a terminal and keeps what it prints.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<Captured>}
 */
export function capture(program, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    }
    child.on('error', (error) => resolve({ code: 127, output: error.message }));
    child.on('close', (code) => resolve({ code: code ?? 128, output }));
  });
}

/**
 * Like `capture`, for a program that has to succeed.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, remedy: string }} options `remedy`: what to do when it fails
 * @returns {Promise<string>} its output
 * @throws {SetupFailure} with an excerpt of the output
 */
export async function captureOrFail(program, args, { remedy, ...options }) {
  const { code, output } = await capture(program, args, options);
  if (code === 0) return output;
  throw new SetupFailure(`${[program, ...args].join(' ')} ended with exit code ${code}: ${remedy}`, excerpt(output));
}

/**
 * @param {string} text
 * @returns {string} its beginning and its end, where tools say what went wrong
 */
export function excerpt(text) {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (lines.length <= 2 * EXCERPT_LINES) return lines.join('\n');
  return [...lines.slice(0, EXCERPT_LINES), '...', ...lines.slice(-EXCERPT_LINES)].join('\n');
}
