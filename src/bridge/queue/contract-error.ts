/** One place where a payload breaks its contract. */
export interface Violation {
  readonly queue: string;
  readonly job: string;
  /** Which item of `addMany` (`[3]`) or which node of a flow (`children[1]`); absent where there is only one. */
  readonly item?: string;
  /** Where in the payload, for example `files[0].name`; empty for the payload itself. */
  readonly path: string;
  /** The same as JSON pointer, as Python writes it. Both end at a field that the contract marks as secret. */
  readonly pointer: string;
  /** The keyword of the JSON Schema that is broken; `portable`, `size` or `job` for what no schema says. */
  readonly rule: string;
  /** What is wrong there. Values are left out: they may be personal or secret. */
  readonly message: string;
  /** What kind of value is there, such as `text of 12 characters`; `secret` where the contract says so. */
  readonly value: string;
}

/**
 * Data or a result breaks the contract. Where data is added, nothing has reached Redis.
 */
export class ContractError extends Error {
  override readonly name = 'ContractError';
  readonly violations: readonly Violation[];

  /** @param payload - what breaks the contract: what was to be added, or what a processor has returned. */
  constructor(payload: 'data' | 'result', violations: readonly Violation[], options?: ErrorOptions) {
    super(describe(payload, violations), options);
    this.violations = violations;
  }
}

function describe(payload: string, violations: readonly Violation[]): string {
  const jobs = new Map<string, string[]>();
  for (const { queue, job, item, path, message, value } of violations) {
    const owner = `Job '${job}' of queue '${queue}'${item === undefined ? '' : ` at ${item}`}`;
    const told = `${path === '' ? '' : `${path}: `}${message}${value === '' ? '' : ` (${value})`}`;
    jobs.set(owner, [...(jobs.get(owner) ?? []), told]);
  }
  return [...jobs].map(([owner, messages]) => `${owner}: the ${payload} is refused: ${messages.join('; ')}`).join('\n');
}
