import type { Figures } from './ratios.js';

const COLOURS: Readonly<Record<string, string>> = {
  official: '#9aa5b1',
  node: '#3c873a',
  async: '#3572a5',
  thread: '#7fb0d8',
  process: '#1d4e79',
};
const NAMES: Readonly<Record<string, string>> = {
  official: 'official Python package',
  node: "Node's Worker",
  async: 'bullmq-bridge, coroutines',
  thread: 'bullmq-bridge, threads',
  process: 'bullmq-bridge, processes',
};
const WIDTH = 760;
const LEFT = 250;
const BAR = 18;
const GAP = 6;
const GROUP_GAP = 30;

/** Jobs a second of every contestant, as a bar chart in SVG. */
export function chart(drained: Figures['drained'], caption: string): string {
  const most = Math.max(
    ...Object.values(drained).flatMap((group) => Object.values(group).map((one) => one.jobsPerSecond)),
  );
  const scale = (WIDTH - LEFT - 90) / most;
  const parts: string[] = [];
  let y = 46;
  for (const [slots, group] of Object.entries(drained)) {
    parts.push(text(16, y + BAR - 4, `${slots} ${slots === '1' ? 'slot' : 'slots'}`, 'font-weight="bold"'));
    for (const [kind, { jobsPerSecond }] of Object.entries(group)) {
      const width = (jobsPerSecond * scale).toFixed(1);
      parts.push(text(LEFT - 8, y + BAR - 4, NAMES[kind] ?? kind, 'text-anchor="end"'));
      parts.push(`<rect x="${LEFT}" y="${y}" width="${width}" height="${BAR}" fill="${COLOURS[kind]}"/>`);
      parts.push(text(LEFT + Number(width) + 6, y + BAR - 4, Math.round(jobsPerSecond).toLocaleString('en')));
      y += BAR + GAP;
    }
    y += GROUP_GAP - GAP;
  }
  const height = y + 6;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="13"><title>No-op jobs a second</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    text(16, 24, 'No-op jobs a second (median of the rounds)', 'font-size="15" font-weight="bold"'),
    ...parts,
    text(16, height - 10, caption, 'font-size="11" fill="#52606d"'),
    '</svg>',
    '',
  ].join('\n');
}

function text(x: number, y: number, content: string, attributes = ''): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x}" y="${y}" ${attributes}>${escaped}</text>`;
}
