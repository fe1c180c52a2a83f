import { Presets, SingleBar } from 'cli-progress';
import { Redis } from 'ioredis';
import { getBorderCharacters, table } from 'table';
import { BatchApi } from './batch-api.mjs';
import { countJobs, PLACES, watchMostJobs } from './queue-counts.mjs';
import { problemsOf } from './verdict.mjs';

const QUEUE = 'file-processing';

/**
 * Sends an archive through the backend, shows its way and what came of it.
 *
 * @param {string} archive path of the ZIP file
 * @param {string} backendUrl
 * @param {string} redisUrl
 * @returns {Promise<number>} how many things went wrong
 */
export async function processArchive(archive, backendUrl, redisUrl) {
  const api = new BatchApi(backendUrl);
  const redis = new Redis(redisUrl);
  const queueKey = `${process.env.QUEUE_PREFIX || 'bull'}:${QUEUE}`;
  try {
    const { id } = await api.upload(archive);
    console.log(`\nUploaded: POST ${backendUrl}/api/batches -> batch ${id}`);
    const stopWatching = watchMostJobs(redis, queueKey);
    await api.process(id);
    console.log(`Started:  POST ${backendUrl}/api/batches/${id}/process`);
    const batch = await follow(api, id);
    const most = await stopWatching();

    showReport(batch);
    showStats(await api.stats());
    showPlaces(queueKey, most, await countJobs(redis, queueKey));
    return showVerdict(batch);
  } finally {
    redis.disconnect();
  }
}

/**
 * Shows how far a batch is until it is finished: a bar in a terminal, else a line for each file.
 *
 * @param {BatchApi} api
 * @param {string} id
 */
async function follow(api, id) {
  const bar = new SingleBar({ format: '{bar} {value} of {total} files', hideCursor: true }, Presets.shades_classic);
  const inTerminal = process.stdout.isTTY;
  const shown = new Set();
  if (inTerminal) bar.start(1, 0);
  try {
    for await (const _ of api.changes(id)) {
      const { files } = await api.read(id);
      const settled = files.filter(({ status }) => status !== 'pending');
      bar.setTotal(Math.max(files.length, 1));
      bar.update(settled.length);
      if (inTerminal) continue;
      for (const { name, status } of settled) {
        if (!shown.has(name)) console.log(`  ${shown.add(name).size} of ${files.length}: ${name} ${status}`);
      }
    }
  } finally {
    bar.stop();
  }
  return api.read(id);
}

/** @param {import('./batch-api.mjs').Batch} batch */
function showReport({ id, status, reason, report }) {
  console.log(`\nBatch ${id}: ${status}${reason ? ` (${reason})` : ''}`);
  if (!report) return;
  const rows = report.documents.map((document) => [
    document.name,
    document.status,
    amount(document.pages, 'page') || amount(document.sheets, 'sheet'),
    document.characters ?? '',
    document.reason ?? '',
  ]);
  print([['File', 'Status', 'Size', 'Characters', 'Why it failed'], ...rows], [32, 9, 8, 10, 60]);
  const { totals, fields } = report;
  console.log(`${totals.completed} of ${totals.files} files, ${totals.words} words, ${totals.characters} characters`);
  console.log(`Dates: ${fields.dates.first} to ${fields.dates.last}`);
  const amounts = Object.entries(fields.amounts).map(
    ([currency, { count, sum }]) => `${count} in ${currency} (${sum})`,
  );
  console.log(`Amounts: ${amounts.join(', ')}`);
  console.log(`E-mail addresses: ${fields.emails.length}, for example ${fields.emails[0]?.email}`);
}

/** @param {Record<string, unknown>} stats */
function showStats(stats) {
  console.log('\nGET /api/queue/stats');
  console.log(JSON.stringify(stats, undefined, 2));
}

/**
 * @param {string} queueKey
 * @param {readonly number[]} most
 * @param {readonly number[]} now
 */
function showPlaces(queueKey, most, now) {
  console.log('\nWhat redis-cli shows (the most while it ran, and now), and which jobs these are');
  const rows = PLACES.map(({ command, state, meaning }, i) => [
    `${command} ${queueKey}:${state}`,
    most[i],
    now[i],
    meaning,
  ]);
  print([['redis-cli', 'Most', 'Now', 'Jobs'], ...rows]);
}

/** @param {import('./batch-api.mjs').Batch} batch */
function showVerdict(batch) {
  const problems = problemsOf(batch);
  const completed = batch.files.filter(({ status }) => status === 'completed').length;
  if (problems.length === 0) {
    console.log(`\nAs it should be: ${completed} files completed, the two broken ones failed with a reason.`);
  } else {
    console.error(`\nNot as it should be: ${problems.join('; ')}.`);
  }
  return problems.length;
}

/**
 * @param {unknown[][]} rows
 * @param {number[]} [widths] longest cell of each column, in characters; longer ones are wrapped
 */
function print(rows, widths = []) {
  const columns = widths.map((width, i) => ({ width: Math.min(width, longest(rows, i)), wrapWord: true }));
  const config = { border: getBorderCharacters('norc'), columns, drawHorizontalLine: onlyAroundHead(rows.length) };
  process.stdout.write(table(rows, config));
}

/** @param {number} rows @returns {(line: number) => boolean} */
function onlyAroundHead(rows) {
  return (line) => line <= 1 || line === rows;
}

/** @param {unknown[][]} rows @param {number} column */
function longest(rows, column) {
  return Math.max(...rows.map((row) => String(row[column]).length));
}

/** @param {number | null} count @param {string} unit */
function amount(count, unit) {
  if (count === null) return '';
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
