import { capture } from './capture.mjs';
import { SetupFailure } from './failure.mjs';
import { isAtLeast, OLDEST_PYTHON } from './version.mjs';

/**
 * @typedef {object} Interpreter
 * @property {string} command how it was called, for example `python3`
 * @property {string} executable absolute path
 * @property {string} version
 * @property {boolean} hasVenv whether it can make a virtual environment with pip in it
 */

const COMMANDS = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python'];

const QUESTION = `
import importlib.util, json, platform, sys
has = lambda name: importlib.util.find_spec(name) is not None
print(json.dumps({
    "executable": sys.executable,
    "version": platform.python_version(),
    "hasVenv": has("venv") and has("ensurepip"),
}))
`;

/**
 * Finds a Python that is new enough and can make a virtual environment. PYTHON in the environment decides alone.
 *
 * @param {NodeJS.ProcessEnv} [env]
 * @param {(command: string) => Promise<Interpreter | undefined>} [ask]
 * @returns {Promise<Interpreter>}
 * @throws {SetupFailure} when there is none
 */
export async function findPython(env = process.env, ask = askPython) {
  const commands = env.PYTHON ? [env.PYTHON] : COMMANDS;
  /** @type {Map<string, string>} by version: python3 and python3.11 are often the same */
  const problems = new Map();
  for (const command of commands) {
    const found = await ask(command);
    if (!found) {
      if (env.PYTHON) problems.set('', `PYTHON=${command} does not run`);
      continue;
    }
    const problem = pythonProblem(found);
    if (!problem) return found;
    if (!problems.has(found.version)) problems.set(found.version, problem);
  }
  const oldest = OLDEST_PYTHON.replace(/\.0$/, '');
  if (problems.size === 0) {
    throw new SetupFailure(
      `No Python found: install Python ${oldest} or newer, or name one with PYTHON=/path/to/python.`,
    );
  }
  throw new SetupFailure(
    `No usable Python: ${[...problems.values()].join('; ')}. Put that right, or name another Python (${oldest} or newer) with PYTHON=/path/to/python.`,
  );
}

/**
 * What is wrong with a Python, or nothing.
 *
 * @param {Interpreter} python
 * @returns {string | undefined}
 */
export function pythonProblem({ command, version, hasVenv }) {
  if (!isAtLeast(version, OLDEST_PYTHON)) return `${command} is Python ${version}, which is too old`;
  if (hasVenv) return undefined;
  const [major, minor] = version.split('.');
  return `${command} (Python ${version}) has no venv module (on Debian and Ubuntu: sudo apt install python${major}.${minor}-venv)`;
}

/**
 * Asks a Python about itself.
 *
 * @param {string} command
 * @returns {Promise<Interpreter | undefined>} nothing when there is no such program or it does not run
 */
export async function askPython(command) {
  const { code, output } = await capture(command, ['-c', QUESTION]);
  if (code !== 0) return undefined;
  try {
    return { command, ...JSON.parse(output) };
  } catch {
    return undefined; // something else of that name
  }
}
