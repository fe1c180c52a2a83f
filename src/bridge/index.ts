export { ContractDefinitionError } from './contract/error.js';
export {
  type ContractOptions,
  PRIORITIES,
  type Priority,
  type PriorityName,
} from './contract/options.js';
export {
  type DataOf,
  defineQueue,
  type JobContract,
  type JobDefinition,
  type JobNameOf,
  job,
  type QueueContract,
  type ResultOf,
} from './contract/queue.js';
