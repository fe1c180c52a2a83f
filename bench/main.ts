// `npm run bench`. Environment: REDIS_URL (a private server that is emptied again and again), PYTHON, OFFICIAL_PYTHON.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { table } from 'table';
import { chart } from './chart.js';
import type { Ground } from './ground.js';
import { lostAroundPause } from './pause.js';
import { type Figures, measure } from './ratios.js';
import { reaches, TARGETS } from './targets.js';
import { versions } from './versions.js';

const { values: options } = parseArgs({
  options: {
    json: { type: 'string' },
    chart: { type: 'string' },
    quick: { type: 'boolean', default: false },
    pause: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (options.help) {
  console.log(`npm run bench [-- --quick] [--json FILE] [--chart FILE.svg]

Node's Worker, the official Python package and bullmq-bridge on one private Redis, in turn; medians of the rounds.

  --quick        fewer and smaller rounds, under a minute: to see that it runs, not to compare
  --pause        instead: which jobs are lost when BullMQ 5 pauses a queue, Python adds, retries and recovers jobs,
                 and BullMQ 5 resumes it
  --json FILE    write {"versions", "ratios"}
  --chart FILE   write the jobs a second as an SVG picture`);
} else {
  await main();
}

async function main(): Promise<void> {
  const { REDIS_URL: redisUrl, PYTHON: bridge, OFFICIAL_PYTHON: official } = process.env;
  if (!redisUrl || !bridge || !official) throw new Error('run it with `npm run bench`');
  const redis = new Redis(redisUrl, { maxRetriesPerRequest: null });
  const interpreters = { bridge, official };
  const ground: Ground = {
    redis,
    redisUrl,
    interpreters,
    scale: options.quick ? { rounds: 1, jobs: 2_000, samples: 40 } : { rounds: 7, jobs: 20_000, samples: 200 },
    say: (text) => console.error(text),
  };
  if (options.pause) {
    await printLost(ground);
    await redis.quit();
    return;
  }
  const measured = await versions(redis, interpreters);
  const figures = await measure(ground);
  await redis.quit();
  print(measured, figures);
  if (options.json) {
    await writeFile(options.json, `${JSON.stringify({ versions: measured, ratios: figures.ratios }, null, 2)}\n`);
  }
  if (options.chart) {
    const caption = `bullmq ${measured.bullmq}, bullmq (PyPI) ${measured['bullmq (PyPI)']}, Node ${measured.node}, Python ${measured.python}, ${measured.redis}; ${measured.machine}`;
    await writeFile(options.chart, chart(figures.drained, caption));
  }
}

async function printLost(ground: Ground): Promise<void> {
  const { BULLMQ_FOLDER: bullmq, BULLMQ_BRIDGE_BUNDLE: bundle } = process.env;
  if (!bullmq || !bundle) throw new Error('run it with `npm run bench -- --pause`');
  const lost = await lostAroundPause(ground, bullmq, bundle);
  const rows = Object.entries(lost).map(([kind, ids]) => [kind, ids.length, ids.join(', ')]);
  console.log(table([['worker', 'lost of 4', 'which'], ...rows]));
  if (lost.process?.length !== 0) process.exitCode = 1;
}

function print(measured: Record<string, string>, { ratios, differencesMs, drained }: Figures): void {
  for (const [name, version] of Object.entries(measured)) console.log(`${name}: ${version}`);
  const rows = Object.entries(drained).flatMap(([slots, group]) =>
    Object.entries(group).map(([kind, { jobsPerSecond, cpuUsPerJob, redisBusy }]) => [
      slots,
      kind,
      Math.round(jobsPerSecond),
      Math.round(cpuUsPerJob),
      redisBusy.toFixed(2),
    ]),
  );
  console.log(table([['slots', 'worker', 'jobs/s', 'CPU µs/job', 'Redis busy'], ...rows]));
  const judged = Object.entries(ratios).map(([key, value]) => {
    const { atLeast, atMost, means } = TARGETS[key] ?? { means: '' };
    const target = atLeast === undefined ? `<= ${atMost}` : `>= ${atLeast}`;
    const difference = differencesMs[key];
    const note = difference === undefined ? '' : ` (${difference >= 0 ? '+' : ''}${difference.toFixed(2)} ms)`;
    return [key, `${value.toFixed(2)}${note}`, target, reaches(key, value, difference) ? 'yes' : 'no', means];
  });
  console.log(table([['figure', 'value', 'target', 'reached', 'what it is'], ...judged]));
}
