import { readHeader } from './header.js';
import type { BullmqScript } from './installed.js';

/** A layout of KEYS and ARGV that the Python side knows how to fill. */
interface Variant {
  /** Names the layout in the bundle; Python picks its argument builder by it. */
  readonly id: string;
  readonly script: string;
  readonly keyCount: number;
  /** The documented labels of KEYS and of ARGV, as `readHeader` gives them, joined by blanks. */
  readonly keys: string;
  readonly args: string;
}

/** What `add*` scripts are told of a job, packed into one array. */
const JOB_PARTS =
  'prefix,custom-id,name,timestamp,parentkey,parent-dependencies,parent-id-queuekey,repeat-job,deduplication';
const JOB_PARTS_BEFORE_5_62 = JOB_PARTS.replace('parentkey,', 'parentkey,waitchildrenkey,');

/**
 * Every layout known so far, taken from bullmq 5.58.0 to 6.7.0 (`npm run test:matrix` says which were run). Two layouts with
 * one id differ in words only, or in an argument that the earlier one does not look at.
 *
 * The key count alone is no signature: `moveStalledJobsToWait` has had two layouts with 9 keys and two with 8, and
 * `moveToDelayed` changed in a patch release; the parts of `addStandardJob`'s first argument moved. So a script is recognised by name, key count *and* its documented header.
 *
 * BullMQ Relay's scripts (`relay*`) are not here: they work on keys of their own outside any queue, and no worker or
 * producer calls them.
 */
const VARIANTS: readonly Variant[] = [
  ...addingLayouts('addDelayedJob', 6, 'marker meta id delayed completed events'),
  ...['patten', 'pattern'].map((pattern) =>
    layout(
      'addJobScheduler',
      11,
      'repeat delayed wait paused meta prioritized marker id events pc-priority active',
      `next-milliseconds msgpacked-options:name,tz,${pattern},enddate,every jobs-scheduler-id json-stringified-template-data mspacked-template-opts msgpacked-delayed-opts timestamp prefix producer`,
    ),
  ),
  layout('addLog', 2, 'job-id job-logs', 'id log keeplogs'),
  layout('addParentJob', 5, 'meta id delayed completed events', jobArguments(JOB_PARTS_BEFORE_5_62)),
  layout('addParentJob', 6, 'meta id delayed waiting-children completed events', jobArguments(JOB_PARTS)),
  layout(
    'addParentJob',
    6,
    'meta id delayed waiting-children completed events',
    jobArguments(`${JOB_PARTS},defer-parent-release`),
  ),
  ...addingLayouts('addPrioritizedJob', 9, 'marker meta id prioritized delayed completed active events pc-priority'),
  ...addingLayouts('addStandardJob', 9, 'wait paused meta id completed delayed active events marker'),
  layout('changeDelay', 4, 'delayed meta marker events', 'delay timestamp id-of-job job'),
  layout(
    'changePriority',
    7,
    'wait paused meta prioritized active pc-priority marker',
    'priority-value prefix job-id lifo',
  ),
  layout(
    'cleanJobsInSet',
    3,
    'set events repeat',
    'jobkey-prefix timestamp limit-number-of-jobs-to-be-removed-0-is-unlimited set-name-can-be-any-of-wait-active-paused-delayed-completed-or-failed',
  ),
  layout('drain', 5, 'wait paused delayed prioritized jobschedulers', 'queue-prefix should-clean-delayed-jobs'),
  layout('extendLock', 2, 'lock stalled', 'token lock-duration-in-milliseconds jobid'),
  layout('extendLocks', 1, 'stalledkey', 'basekey tokens jobids lockduration'),
  layout('extendLocks', 1, 'stalled', 'basekey tokens jobids lockduration'),
  layout('getCounts', 1, 'prefix', 'types'),
  layout('getCounts', 1, 'prefix', 'optional-delayed-timestamp-cutoff types'),
  layout('getCountsPerPriority', 4, 'wait paused meta prioritized', 'priorities'),
  layout('getCountsPerPriority', 2, 'wait prioritized', 'priorities'),
  layout('getDependencyCounts', 4, 'processed unprocessed ignored failed', 'types'),
  layout('getJobScheduler', 1, 'repeat', 'id'),
  layout('getJobs', 1, 'prefix', 'start end asc max-iterations types'),
  layout('getMetrics', 2, 'metrics metrics-data', 'start-index end-index'),
  layout('getRanges', 1, 'prefix', 'start end asc types'),
  layout('getRateLimitTtl', 1, 'limiter', 'maxjobs'),
  layout('getRateLimitTtl', 2, 'limiter meta', 'maxjobs'),
  layout('getState', 8, 'completed failed delayed active wait paused waiting-children prioritized', 'job-id'),
  layout('getStateV2', 8, 'completed failed delayed active wait paused waiting-children prioritized', 'job-id'),
  layout('isFinished', 3, 'completed failed job', 'job-id return-value'),
  layout('isJobInList', 1, 'unnamed', 'unnamed'),
  layout('isMaxed', 2, 'meta active', ''),
  layout(
    'moveJobFromActiveToWait',
    9,
    'active wait stalled paused meta limiter prioritized marker event',
    'job-id lock-token job-id',
  ),
  layout('moveJobsToWait', 8, 'base events state wait paused meta active marker', 'count timestamp prev-state'),
  layout(
    'moveStalledJobsToWait',
    8,
    'stalled wait active stalled-check meta paused marker event',
    'max-stalled-job-count queue-tokey timestamp max-check-time',
  ),
  layout(
    'moveStalledJobsToWait',
    9,
    'stalled wait active stalled-check meta paused marker event repeat',
    'max-stalled-job-count queue-tokey timestamp max-check-time',
  ),
  layout(
    'moveToActive',
    11,
    'wait active prioritized events stalled rate-limiter delayed paused meta pc-priority marker',
    'prefix timestamp opts',
  ),
  layout(
    'moveToDelayed',
    8,
    'marker active prioritized delayed job events meta stalled',
    'prefix timestamp id-of-job queue-token delay-value skip-attempt optional-job-fields-to-update',
  ),
  layout(
    'moveToDelayed',
    12,
    'marker active prioritized delayed job events meta stalled wait rate-limiter paused pc-priority',
    'prefix timestamp id-of-job queue-token delay-value skip-attempt optional-job-fields-to-update fetch-next opts',
  ),
  layout(
    'moveToDelayed',
    11,
    'marker active prioritized delayed job events meta stalled wait rate-limiter pc-priority',
    'prefix timestamp id-of-job queue-token delay-value skip-attempt optional-job-fields-to-update fetch-next opts',
  ),
  layout(
    'moveToFinished',
    14,
    'wait active prioritized event stalled rate-limiter delayed paused meta pc-priority completed-failed jobid metrics marker',
    'jobid timestamp msg-property-returnvalue-failedreason return-value-failed-reason target fetch-next prefix opts job-fields-to-update',
  ),
  layout(
    'moveToWaitingChildren',
    7,
    'active wait-children job job-dependencies job-unsuccessful stalled events',
    'token child timestamp jobid prefix',
  ),
  layout('obliterate', 2, 'meta base', 'count force'),
  layout(
    'paginate',
    1,
    'pointing-to-set-or-hash-to-be-paginated',
    'page-start-offset page-end-offset cursor offset max-iterations fetch-jobs',
  ),
  layout(
    'pause',
    7,
    'wait-or-paused paused-or-wait meta prioritized events delayed',
    'paused-or-resumed',
    'always-emits',
  ),
  layout(
    'pause',
    7,
    'wait-or-paused paused-or-wait meta prioritized events delayed marker',
    'paused-or-resumed',
    'always-emits',
  ),
  layout(
    'pause',
    7,
    'wait-or-paused paused-or-wait meta prioritized events delayed marker',
    'paused-or-resumed 1-to-emit-event-0-to-skip-it',
  ),
  layout('promote', 9, 'delayed wait paused meta prioritized active pc-priority event marker', 'queue-tokey jobid'),
  layout('releaseLock', 1, 'lock', 'token lock-duration-in-milliseconds'),
  layout('releaseParentIfNoPendingDependencies', 2, 'parent parent-dependencies', 'parent-queue parent-id timestamp'),
  layout('removeChildDependency', 1, 'prefix', 'job parent'),
  layout('removeDeduplicationKey', 1, 'deduplication', 'job-id'),
  layout('removeJob', 2, 'jobkey repeat', 'jobid remove-children queue-prefix'),
  layout('removeJobScheduler', 3, 'job-schedulers delayed-jobs events', 'job-scheduler-id prefix'),
  layout(
    'removeOrphanedJobs',
    1,
    'base-prefix-including-trailing-colon',
    'number-of-state-suffixes state-suffixes number-of-job-sub-suffixes job-sub-suffixes candidate-job-ids-to-check',
  ),
  layout('removeUnprocessedChildren', 2, 'jobkey meta', 'prefix jobid'),
  layout(
    'reprocessJob',
    8,
    'job events job-state wait meta paused active marker',
    'job-id push propval-failedreason-returnvalue prev-state-failed-completed',
    'without-reset',
  ),
  ...[
    { keyCount: 8, keys: 'job events job-state wait meta paused active marker' },
    { keyCount: 7, keys: 'job events job-state wait meta active marker' },
    { keyCount: 9, keys: 'job events job-state wait meta active marker prioritized priority' },
  ].map(({ keyCount, keys }) =>
    layout(
      'reprocessJob',
      keyCount,
      keys,
      'job-id push propval-failedreason-returnvalue prev-state-failed-completed reset-attemptsmade-1-or-0 reset-attemptsstarted-1-or-0',
    ),
  ),
  layout(
    'retryJob',
    11,
    'active wait paused job meta events delayed prioritized pc-priority marker stalled',
    'prefix timestamp pushcmd jobid token optional-job-fields-to-update',
  ),
  layout('saveStacktrace', 1, 'job', 'stacktrace failedreason'),
  layout('updateData', 1, 'job-id', 'data'),
  layout(
    'updateJobScheduler',
    12,
    'repeat delayed wait paused meta prioritized marker id events pc-priority producer active',
    'next-milliseconds jobs-scheduler-id json-stringified-delayed-data msgpacked-delayed-opts timestamp prefix producer-id',
  ),
  layout('updateProgress', 3, 'job-id event meta', 'id progress'),
];

/** Scripts that came after 5.58.0: a BullMQ without them lacks features, and is no stranger for it. */
const ADDED_SCRIPTS: ReadonlySet<string> = new Set([
  'getJobs', // 5.81.1
  'getMetrics', // 5.58.9
  'releaseParentIfNoPendingDependencies', // 6.5
  'removeDeduplicationKey', // 5.65.0
  'removeOrphanedJobs', // 5.71.0
]);

/** The names of the scripts that a bundle holds. */
export const KNOWN_SCRIPTS: ReadonlySet<string> = new Set(VARIANTS.map((variant) => variant.script));

/** Whether every BullMQ from 5.58 on has that script. */
export function isRequired(script: string): boolean {
  return !ADDED_SCRIPTS.has(script);
}

/**
 * Tells which known layout a script has.
 *
 * @returns the id of the layout, for example `moveToActive-11`; undefined when no known layout fits.
 */
export function recogniseVariant(script: BullmqScript): string | undefined {
  const header = readHeader(script.content);
  const keys = header.keys.join(' ');
  const args = header.args.join(' ');
  return VARIANTS.find(
    (known) =>
      known.script === script.name && known.keyCount === script.keys && known.keys === keys && known.args === args,
  )?.id;
}

/** What a script of an unknown layout says about itself, beside what is known of scripts with its name. */
export function describeLayout(script: BullmqScript): string {
  const { keys, args } = readHeader(script.content);
  return [
    `  key count: ${script.keys}`,
    `  KEYS: ${keys.join(' ')}`,
    `  ARGV: ${args.join(' ')}`,
    ...VARIANTS.filter((known) => known.script === script.name).map(
      (known) => `  known as ${known.id}: KEYS: ${known.keys}; ARGV: ${known.args}`,
    ),
  ].join('\n');
}

/** A layout named by script and key count. A second layout with the same count is named by its difference too. */
function layout(script: string, keyCount: number, keys: string, args: string, difference?: string): Variant {
  const id = difference === undefined ? `${script}-${keyCount}` : `${script}-${keyCount}-${difference}`;
  return { id, script, keyCount, keys, args };
}

/** The layouts of a script that adds a job. 6.5 added a tenth part. */
function addingLayouts(script: string, keyCount: number, keys: string): Variant[] {
  return [
    layout(script, keyCount, keys, jobArguments(JOB_PARTS_BEFORE_5_62), 'with-wait-children'),
    layout(script, keyCount, keys, jobArguments(JOB_PARTS)),
    layout(script, keyCount, keys, jobArguments(`${JOB_PARTS},defer-parent-release`)),
  ];
}

function jobArguments(parts: string): string {
  return `msgpacked-arguments-array:${parts} json-stringified-job-data msgpacked-options`;
}
