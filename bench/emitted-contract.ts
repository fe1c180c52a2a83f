import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { renderContracts } from '../src/bridge/contract/document.js';
import { wireJobs } from '../src/bridge/contract/wire.js';
import type { QueueContract } from '../src/bridge/index.js';

/** A folder with the schemas of contracts, as `bullmq-bridge emit` writes them, for as long as `use` takes. */
export async function withEmitted<Result>(
  contracts: readonly QueueContract[],
  use: (folder: string) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'bullmq-bridge-bench-'));
  try {
    const queues = new Map(contracts.map((contract) => [contract.name, wireJobs(contract)]));
    for (const [file, content] of renderContracts(queues)) await writeFile(join(folder, file), content);
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
