import type { Mismatch } from './mismatch.js';

/** Live workers do not go together with a producer; the message says why, as `bullmq-bridge check` does. */
export class ContractMismatchError extends Error {
  override readonly name = 'ContractMismatchError';
  readonly mismatches: readonly Mismatch[];

  constructor(queue: string, mismatches: readonly Mismatch[]) {
    const told = mismatches.map(({ worker, report }) => `Worker ${worker}:\n${report}`);
    super(`Live workers of queue '${queue}' do not go together with this producer.\n${told.join('\n')}`);
    this.mismatches = mismatches;
  }
}
