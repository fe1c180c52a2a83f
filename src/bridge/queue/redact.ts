import type { JobNameOf, QueueContract } from '../contract/queue.js';
import type { Payload } from '../contract/wire.js';
import { Gate } from './gate.js';

/**
 * A copy of a job's data or result for logs and pages: `[secret]` stands in place of every field that the contract marks
 * with `.meta({ secret: true })`.
 *
 * @example
 * ```ts
 * log.info({ data: redact(accounts, 'sign-up', 'data', job.data) }, 'signed up');
 * ```
 * @throws RangeError when the contract has no such job.
 */
export function redact<Contract extends QueueContract>(
  contract: Contract,
  name: JobNameOf<Contract>,
  payload: Payload,
  value: unknown,
): unknown {
  return Gate.of(contract).redact(name, payload, value);
}
