import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The folder of vectors, which both languages replay. Its README.md describes the format. */
export const VECTORS = fileURLToPath(new URL('../vectors/', import.meta.url));

/** A payload as JSON text, and whether the contract takes it. */
export interface Vector {
  readonly name: string;
  readonly job: string;
  /** Absent: both, for the job has the same schema for either. */
  readonly payload?: 'data' | 'result';
  readonly text: string | readonly (readonly [piece: string, times: number])[];
  readonly verdict: 'accept' | 'refuse';
  /** JSON pointer of what is wrong. */
  readonly at?: string;
  /** The value that both languages must read. */
  readonly reads?: unknown;
}

/** The vectors of one file, all for one queue. */
export interface VectorFile {
  readonly queue: string;
  readonly vectors: readonly Vector[];
}

/** Reads a file of vectors. */
export function readVectors(file: string): VectorFile {
  return JSON.parse(readFileSync(`${VECTORS}${file}`, 'utf8')) as VectorFile;
}

/** The JSON text of a vector. */
export function textOf({ text }: Vector): string {
  return typeof text === 'string' ? text : text.map(([piece, times]) => piece.repeat(times)).join('');
}
