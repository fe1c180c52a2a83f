import { readFileSync } from 'node:fs';

/** What these tests need of the protocol bundle. */
interface Bundle {
  readonly bullmq: string;
  readonly scripts: Readonly<Record<string, { readonly keys: number; readonly sha1: string; readonly source: string }>>;
}

/** The scripts of the BullMQ that runs on the Node side of these tests, as Python got them. */
export const BUNDLE: Bundle = JSON.parse(
  readFileSync(
    process.env.BULLMQ_BRIDGE_BUNDLE ??
      new URL('../../python-client/bullmq_bridge/protocol/bundle.json', import.meta.url),
    'utf8',
  ),
);

/** Whether the BullMQ of these tests is of that version or later. */
export function isSince(version: string): boolean {
  return BUNDLE.bullmq.localeCompare(version, undefined, { numeric: true }) >= 0;
}
