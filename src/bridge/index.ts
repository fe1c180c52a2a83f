export { ContractLintError, type Finding, type PlacedFinding } from './contract/emission/finding.js';
export { ContractDefinitionError } from './contract/error.js';
export { type ContractOptions, PRIORITIES, type Priority, type PriorityName } from './contract/options.js';
export {
  type DataOf,
  defineQueue,
  type JobContract,
  type JobDefinition,
  type JobNameOf,
  job,
  type QueueContract,
  type RawResultOf,
  type ResultOf,
} from './contract/queue.js';
export type { InputOf, OutputOf, Schema } from './contract/schema.js';
export { checkedInTypeScriptOnly } from './contract/typescript-only.js';
export type { Connection } from './queue/connection.js';
export { ContractError, type Violation } from './queue/contract-error.js';
export { type Failure, type FailureKind, readFailure } from './queue/failure.js';
export { type AnyFlowNode, type Flow, type FlowChild, type FlowNode, type ForeignNode, flowJob } from './queue/flow.js';
export type { AnyItem, AnyJobOf, CallOptions, Item, JobOf } from './queue/job.js';
export { type AnnounceOptions, JobQueue, type JobQueueOptions } from './queue/job-queue.js';
export { type JobEvents, JobQueueEvents, type JobQueueEventsOptions } from './queue/job-queue-events.js';
export { redact } from './queue/redact.js';
export type { Mismatch } from './registry/mismatch.js';
export { ContractMismatchError } from './registry/mismatch-error.js';
export type { RegistryView } from './registry/view.js';
