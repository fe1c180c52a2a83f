import { randomInt } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { captureOrFail } from './capture.mjs';
import { onClose } from './closing.mjs';
import { CACHE } from './place.mjs';
import { setUp } from './set-up.mjs';
import { step } from './step.mjs';
import { pytest, runSuite, vitest } from './suite.mjs';
import { withoutSettings } from './surroundings.mjs';
import { tallyLine, total } from './tally.mjs';

/** The package whose source distribution carries the official JSON-Schema-Test-Suite; no package has it alone. */
const SCHEMA_SUITE = 'jsonschema==4.26.0';

/**
 * `npm run test:gates [-- --seed N] [--values N]`: the four gates on many generated payloads, and the Python validator on
 * the official JSON-Schema-Test-Suite.
 *
 * @param {readonly string[]} args
 * @returns {Promise<number>} exit code
 */
export async function gates(args) {
  const { values: options } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string', default: String(randomInt(2 ** 31)) },
      values: { type: 'string', default: '20000' },
    },
  });
  const python = await setUp();
  const suite = await schemaSuite(python);
  const reports = await mkdtemp(join(tmpdir(), 'bullmq-bridge-gates-'));
  onClose(() => rm(reports, { recursive: true, force: true }));
  console.log(`npm run test:gates -- --seed ${options.seed} --values ${options.values}`);
  const env = {
    ...withoutSettings(process.env),
    PYTHON: python,
    GATES_SEED: options.seed,
    GATES_VALUES: options.values,
    JSON_SCHEMA_SUITE: suite,
  };
  const all = total([
    await runSuite(vitest(reports, ['--project', 'contract', 'test/differential']), env),
    await runSuite(pytest(reports, python, ['tests/contract/test_schema_suite.py']), env),
  ]);
  console.log(`\n${tallyLine(all)}`);
  return all.failed === 0 ? 0 : 1;
}

/**
 * The archive that holds the suite, fetched once.
 *
 * @param {string} python
 * @returns {Promise<string>}
 */
async function schemaSuite(python) {
  const folder = join(CACHE, 'json-schema-suite');
  await mkdir(folder, { recursive: true });
  const fetched = async () => (await readdir(folder)).find((file) => file.endsWith('.tar.gz'));
  if ((await fetched()) === undefined) {
    const pip = [
      '-m',
      'pip',
      'download',
      '-q',
      '--no-deps',
      '--no-binary',
      'jsonschema',
      '--dest',
      folder,
      SCHEMA_SUITE,
    ];
    await step('Fetching the JSON-Schema-Test-Suite', () =>
      captureOrFail(python, [...pip, '--disable-pip-version-check'], { remedy: 'the suite could not be fetched:' }),
    );
  }
  return join(folder, (await fetched()) ?? '');
}
