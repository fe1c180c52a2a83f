import type { FlowJob, JobNode } from 'bullmq';
import type { JobNameOf, QueueContract } from '../contract/queue.js';
import { ContractError, type Violation } from './contract-error.js';
import { Gate } from './gate.js';
import type { Item, JobOf } from './job.js';

/** A job with the jobs that have to settle before it runs. */
export interface FlowNode<Contract extends QueueContract, Name extends JobNameOf<Contract>>
  extends Item<Contract, Name> {
  readonly children?: readonly FlowChild<Contract>[];
}

/** A node for any job of a contract. */
export type AnyFlowNode<Contract extends QueueContract> = {
  [Name in JobNameOf<Contract>]: FlowNode<Contract, Name>;
}[JobNameOf<Contract>];

/** A child: a job of the same queue, or one of another queue made by {@link flowJob}. */
export type FlowChild<Contract extends QueueContract> = AnyFlowNode<Contract> | ForeignNode;

/** A node of another queue. Only {@link flowJob} makes one, for it has checked the types. */
export interface ForeignNode {
  readonly contract: QueueContract;
  readonly [CHECKED]: true;
}

/** What `flow` gives back: the job, and its children in the order in which they were given. */
export interface Flow<Contract extends QueueContract, Name extends JobNameOf<Contract>> {
  readonly job: JobOf<Contract, Name>;
  readonly children: readonly JobNode[];
}

const CHECKED = Symbol('checked');

/**
 * A node of another queue, for the children of a flow.
 *
 * @example
 * ```ts
 * await reports.flow({ name: 'build', data, children: [flowJob(fileProcessing, { name: 'process-file', data: file })] });
 * ```
 */
export function flowJob<Contract extends QueueContract>(contract: Contract, node: AnyFlowNode<Contract>): ForeignNode {
  return { ...node, contract, [CHECKED]: true };
}

/** What becomes of a parent when this child fails for good. At most one of them is meant to be set. */
const FAILURE_POLICIES = [
  'failParentOnFailure',
  'continueParentOnFailure',
  'ignoreDependencyOnFailure',
  'removeDependencyOnFailure',
] as const;

/** A node of whatever contract, once its types have been checked. */
interface LooseNode extends Item<QueueContract, string> {
  readonly contract?: QueueContract;
  readonly children?: readonly LooseNode[];
}

/**
 * Checks every node of a flow and turns it into what BullMQ takes.
 *
 * A child that names no failure policy ignores its failure: BullMQ's own default leaves the parent waiting for ever.
 *
 * @throws {@link ContractError} with the violations of all nodes.
 */
export function admitFlow<Contract extends QueueContract>(contract: Contract, root: AnyFlowNode<Contract>): FlowJob {
  const violations: Violation[] = [];
  const flow = admitNode(contract, root as unknown as LooseNode, undefined, violations);
  if (violations.length > 0) {
    throw new ContractError('data', violations);
  }
  return flow;
}

function admitNode(
  parentContract: QueueContract,
  node: LooseNode,
  item: (() => string) | undefined,
  violations: Violation[],
): FlowJob {
  const contract = node.contract ?? parentContract;
  const isChild = item !== undefined;
  const admitted = Gate.of(contract).examine(node, violations, item);
  const opts = admitted?.opts ?? {};
  const choosesPolicy = FAILURE_POLICIES.some((policy) => opts[policy] !== undefined);
  return {
    name: node.name,
    queueName: contract.name,
    data: admitted?.data,
    opts: isChild && !choosesPolicy ? { ...opts, ignoreDependencyOnFailure: true } : opts,
    children: (node.children ?? []).map((child, index) =>
      admitNode(contract, child, () => `${isChild ? `${item()}.` : ''}children[${index}]`, violations),
    ) as NonNullable<FlowJob['children']>,
  };
}
