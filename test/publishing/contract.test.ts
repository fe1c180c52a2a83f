import { fileURLToPath } from 'node:url';
import { afterAll, describe, test } from 'vitest';
import { ContractError, JobQueue } from '../../src/bridge/index.js';
import { fileProcessing } from '../../src/jobs/file-processing.js';
import { takeSnapshot } from '../conformance/differential/snapshot.js';
import { System } from '../support/system.js';
import { type Form, PythonError, PythonPublisher } from './publisher.js';

const SCHEMAS = fileURLToPath(new URL('../../schemas', import.meta.url));
const publishers = { blocking: new PythonPublisher('blocking'), asyncio: new PythonPublisher('asyncio') };

afterAll(() => Promise.all(Object.values(publishers).map((publisher) => publisher.close())));

/** The state that a system is left in by what is done to it. */
async function stateAfter(act: (system: System) => Promise<unknown>): Promise<unknown> {
  const system = new System();
  try {
    const queue = system.queue(fileProcessing.name);
    // Written by BullMQ's Queue when it is made; here before, and so for both.
    await queue.getVersion();
    await act(system);
    return await takeSnapshot(system);
  } finally {
    await system.end();
  }
}

async function inNode(act: (queue: JobQueue<typeof fileProcessing>) => Promise<unknown>): Promise<unknown> {
  return stateAfter(async ({ redis, prefix }) => {
    const queue = new JobQueue(fileProcessing, { connection: redis, prefix });
    try {
      await act(queue);
    } finally {
      await queue.close();
    }
  });
}

async function inPython(
  form: Form,
  kind: 'Queue' | 'Flow',
  method: string,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>> = {},
): Promise<unknown> {
  return stateAfter((system) => {
    const settings = { redis_url: system.url, prefix: system.prefix, contract: SCHEMAS };
    return publishers[form].call({ kind, name: fileProcessing.name, settings, method, args, kwargs });
  });
}

describe.for(['blocking', 'asyncio'] as const)(
  'one contract, published from TypeScript and from Python (%s)',
  (form) => {
    test('a job has the options and the fingerprint of the contract', async ({ expect }) => {
      const node = await inNode((queue) => queue.add('process-file', { doc_id: 'doc-1' }));
      expect(await inPython(form, 'Queue', 'add', ['process-file', { doc_id: 'doc-1' }])).toEqual(node);
    });

    test('options of the call go before those of the contract', async ({ expect }) => {
      const node = await inNode((queue) =>
        queue.add(
          'process-file',
          { doc_id: 'doc-1' },
          { priority: 'high', attempts: 1, removeOnFail: true, delay: 3_600_000 },
        ),
      );
      const options = { priority: 'high', attempts: 1, remove_on_fail: true, delay_ms: 3_600_000, backoff: null };
      expect(await inPython(form, 'Queue', 'add', ['process-file', { doc_id: 'doc-1' }], options)).toEqual(node);
    });

    test('many jobs at once', async ({ expect }) => {
      const node = await inNode((queue) =>
        queue.addMany([
          { name: 'process-file', data: { doc_id: 'doc-1' } },
          { name: 'aggregate-batch', data: { batch_id: 'batch-1' }, opts: { jobId: 'batch' } },
        ]),
      );
      const items = [
        { $item: { name: 'process-file', data: { doc_id: 'doc-1' }, options: {} } },
        { $item: { name: 'aggregate-batch', data: { batch_id: 'batch-1' }, options: { job_id: 'batch' } } },
      ];
      expect(await inPython(form, 'Queue', 'add_many', [items])).toEqual(node);
    });

    test('a flow, whose children ignore their failure unless they say otherwise', async ({ expect }) => {
      const node = await inNode((queue) =>
        queue.flow({
          name: 'aggregate-batch',
          data: { batch_id: 'batch-1' },
          opts: { jobId: 'batch' },
          children: [
            { name: 'process-file', data: { doc_id: 'doc-1' }, opts: { jobId: 'file-1' } },
            { name: 'process-file', data: { doc_id: 'doc-2' }, opts: { jobId: 'file-2', failParentOnFailure: true } },
            {
              name: 'process-file',
              data: { doc_id: 'doc-3' },
              opts: { jobId: 'file-3', continueParentOnFailure: false },
            },
          ],
        }),
      );
      const child = (doc: number, options: object) => ({
        $flow: {
          name: 'process-file',
          data: { doc_id: `doc-${doc}` },
          queue: null,
          children: [],
          options: { job_id: `file-${doc}`, ...options },
        },
      });
      const flow = {
        $flow: {
          name: 'aggregate-batch',
          data: { batch_id: 'batch-1' },
          queue: null,
          options: { job_id: 'batch' },
          children: [
            child(1, {}),
            child(2, { fail_parent_on_failure: true }),
            child(3, { continue_parent_on_failure: false }),
          ],
        },
      };
      expect(await inPython(form, 'Flow', 'add', [flow])).toEqual(node);
    });

    test('what one language refuses the other refuses, and both leave nothing', async ({ expect }) => {
      const empty = await stateAfter(async () => undefined);
      for (const data of [{}, { doc_id: 5 }, { doc_id: '' }, null, 'doc-1', { doc_id: 'x'.repeat(201) }]) {
        let node: unknown;
        let python: unknown;
        const nodeState = await inNode(async (queue) => {
          node = await queue.add('process-file', data as { doc_id: string }).catch((error: unknown) => error);
        });
        const pythonState = await inPython(form, 'Queue', 'add', ['process-file', data]).catch((error: unknown) => {
          python = error;
          return empty;
        });
        expect(node, JSON.stringify(data)).toBeInstanceOf(ContractError);
        expect(python, JSON.stringify(data)).toBeInstanceOf(PythonError);
        expect(python).toMatchObject({
          type: 'JobRefused',
          message: expect.stringContaining("queue 'file-processing'"),
        });
        expect([nodeState, pythonState]).toEqual([empty, empty]);
      }
    });
  },
);
