import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { renderContracts } from '../../src/bridge/contract/document.js';
import { wireJobs } from '../../src/bridge/contract/wire.js';
import type { QueueContract } from '../../src/bridge/index.js';
import { fileProcessing } from '../../src/jobs/file-processing.js';
import { replay } from './replay.js';
import { shapes } from './shapes.js';
import { readVectors, VECTORS, type Vector } from './vector.js';

const CONTRACTS = new Map<string, QueueContract>([fileProcessing, shapes].map((contract) => [contract.name, contract]));

const files = readdirSync(VECTORS).filter((file) => file.endsWith('.json'));

describe.each(files)('vectors of %s', (file) => {
  const { queue, vectors } = readVectors(file);
  const contract = CONTRACTS.get(queue) as QueueContract;

  it('are treated by the gates of the TypeScript side as they say', () => {
    expect(replay(contract, vectors)).toEqual([]);
  });

  it('have names that tell them apart', () => {
    const names = vectors.map(({ job, payload, name }) => `${job} ${payload} ${name}`);
    expect(names).toEqual([...new Set(names)]);
  });

  it('are each reported, and nothing else, when their verdict is flipped', () => {
    for (const [index, vector] of vectors.entries()) {
      const reported = replay(contract, vectors.with(index, flip(vector))).map((disagreement) => disagreement.vector);
      expect([...new Set(reported)]).toEqual([`${vector.job}: ${vector.name}`]);
    }
  });

  it('are each reported, and nothing else, when they read as another value', () => {
    for (const [index, vector] of vectors.entries()) {
      if (vector.reads !== undefined) {
        const changed = { ...vector, reads: { not: vector.reads } };
        const reported = replay(contract, vectors.with(index, changed)).map((disagreement) => disagreement.vector);
        expect([...new Set(reported)]).toEqual([`${vector.job}: ${vector.name}`]);
      }
    }
  });
});

it('the schemas of the vectors are what is emitted from their contract', async () => {
  for (const [file, content] of renderContracts(new Map([[shapes.name, wireJobs(shapes)]]))) {
    await expect(content).toMatchFileSnapshot(`${VECTORS}schemas/${file}`);
  }
});

function flip(vector: Vector): Vector {
  const { at: _at, reads: _reads, ...rest } = vector;
  return { ...rest, verdict: vector.verdict === 'accept' ? 'refuse' : 'accept' };
}
