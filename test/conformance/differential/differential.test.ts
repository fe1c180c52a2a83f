import { describe, expect, test } from 'vitest';
import { isSince } from '../../support/bundle.js';
import { play } from './scenario.js';
import { SCENARIOS } from './scenarios.js';

const compared = new Set<string>();

describe.concurrent('the same jobs, worked by BullMQ and by the Python worker, leave the same state by the same calls', () => {
  test.for(SCENARIOS.map((scenario) => [scenario.name, scenario] as const))(
    '%s',
    async ([, scenario], { expect, skip }) => {
      skip(!isSince(scenario.since ?? '0'), `it came with BullMQ ${scenario.since}`);
      const [python, node] = await Promise.all([play(scenario, 'python'), play(scenario, 'node')]);
      expect.soft(python.state).toEqual(node.state);
      expect.soft(python.calls).toEqual(node.calls);
      for (const script of Object.keys(node.calls)) compared.add(script);
    },
  );
});

test.skipIf(!isSince('5.60.0'))('together these jobs need the scripts of a worker that serves its queue', () => {
  expect([...compared].sort()).toEqual([
    'addLog',
    'extendLocks',
    'moveJobFromActiveToWait',
    'moveStalledJobsToWait',
    'moveToActive',
    'moveToDelayed',
    'moveToFinished',
    'moveToWaitingChildren',
    'retryJob',
    'updateProgress',
  ]);
});
