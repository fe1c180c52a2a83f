import { ProtocolError } from './error.js';
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

/**
 * Every layout known so far, taken from bullmq 6.7.
 *
 * The key count alone is no signature: `moveStalledJobsToWait` has had two layouts with 9 keys and two with 8, and
 * `moveToDelayed` changed in a patch release. So a script is recognised by name, key count *and* its documented header.
 *
 * BullMQ Relay's scripts (`relay*`) are not here: they work on keys of their own outside any queue, and no worker or
 * producer calls them.
 */
const VARIANTS: readonly Variant[] = [
  layout(
    'addDelayedJob',
    6,
    'marker meta id delayed completed events',
    'msgpacked-arguments-array json-stringified-job-data msgpacked-options',
  ),
  layout(
    'addJobScheduler',
    11,
    'repeat delayed wait paused meta prioritized marker id events pc-priority active',
    'next-milliseconds msgpacked-options jobs-scheduler-id json-stringified-template-data mspacked-template-opts msgpacked-delayed-opts timestamp prefix producer',
  ),
  layout('addLog', 2, 'job-id job-logs', 'id log keeplogs'),
  layout(
    'addParentJob',
    6,
    'meta id delayed waiting-children completed events',
    'msgpacked-arguments-array json-stringified-job-data msgpacked-options',
  ),
  layout(
    'addPrioritizedJob',
    9,
    'marker meta id prioritized delayed completed active events pc-priority',
    'msgpacked-arguments-array json-stringified-job-data msgpacked-options',
  ),
  layout(
    'addStandardJob',
    9,
    'wait paused meta id completed delayed active events marker',
    'msgpacked-arguments-array json-stringified-job-data msgpacked-options',
  ),
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
  layout('extendLocks', 1, 'stalled', 'basekey tokens jobids lockduration'),
  layout('getCounts', 1, 'prefix', 'optional-delayed-timestamp-cutoff types'),
  layout('getCountsPerPriority', 2, 'wait prioritized', 'priorities'),
  layout('getDependencyCounts', 4, 'processed unprocessed ignored failed', 'types'),
  layout('getJobScheduler', 1, 'repeat', 'id'),
  layout('getJobs', 1, 'prefix', 'start end asc max-iterations types'),
  layout('getMetrics', 2, 'metrics metrics-data', 'start-index end-index'),
  layout('getRanges', 1, 'prefix', 'start end asc types'),
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
    9,
    'job events job-state wait meta active marker prioritized priority',
    'job-id push propval-failedreason-returnvalue prev-state-failed-completed reset-attemptsmade-1-or-0 reset-attemptsstarted-1-or-0',
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

/** The names of the scripts that every bundle holds. */
export const KNOWN_SCRIPTS: ReadonlySet<string> = new Set(VARIANTS.map((variant) => variant.script));

/**
 * Tells which known layout a script has.
 *
 * @returns the id of the layout, for example `moveToActive-11`.
 * @throws {@link ProtocolError} naming script, BullMQ version and header when no known layout fits.
 */
export function recogniseVariant(script: BullmqScript, bullmqVersion: string): string {
  const header = readHeader(script.content);
  const keys = header.keys.join(' ');
  const args = header.args.join(' ');
  const variant = VARIANTS.find(
    (known) =>
      known.script === script.name && known.keyCount === script.keys && known.keys === keys && known.args === args,
  );
  if (variant === undefined) {
    throw new ProtocolError(
      [
        `The script ${script.name} of bullmq ${bullmqVersion} has a layout that bullmq-bridge does not know:`,
        `  key count: ${script.keys}`,
        `  KEYS: ${keys}`,
        `  ARGV: ${args}`,
        ...VARIANTS.filter((known) => known.script === script.name).map(
          (known) => `  known as ${known.id}: KEYS: ${known.keys}; ARGV: ${known.args}`,
        ),
        'Python would send its arguments in the wrong places. Update bullmq-bridge, or install a bullmq that it knows.',
      ].join('\n'),
    );
  }
  return variant.id;
}

/** A layout named by script and key count. A second layout with the same count needs an id of its own. */
function layout(script: string, keyCount: number, keys: string, args: string): Variant {
  return { id: `${script}-${keyCount}`, script, keyCount, keys, args };
}
