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
    for (const vector of vectors) {
      expect(reported(contract, vectors, vector, flip(vector))).toEqual([`${vector.job}: ${vector.name}`]);
    }
  });

  it('are each reported, and nothing else, when they read as another value', () => {
    for (const vector of vectors.filter(({ reads }) => reads !== undefined)) {
      const changed = { ...vector, reads: { not: vector.reads } };
      expect(reported(contract, vectors, vector, changed)).toEqual([`${vector.job}: ${vector.name}`]);
    }
  });
});

it('the schemas of the vectors are what is emitted from their contract', async () => {
  for (const [file, content] of renderContracts(new Map([[shapes.name, wireJobs(shapes)]]))) {
    await expect(content).toMatchFileSnapshot(`${VECTORS}schemas/${file}`);
  }
});

/** Which vectors of a job disagree when one of them is changed. */
function reported(contract: QueueContract, vectors: readonly Vector[], vector: Vector, changed: Vector): string[] {
  const ofTheJob = vectors.filter(({ job }) => job === vector.job);
  const disagreements = replay(contract, ofTheJob.with(ofTheJob.indexOf(vector), changed));
  return [...new Set(disagreements.map((disagreement) => disagreement.vector))];
}

function flip(vector: Vector): Vector {
  const { at: _at, reads: _reads, ...rest } = vector;
  return { ...rest, verdict: vector.verdict === 'accept' ? 'refuse' : 'accept' };
}
