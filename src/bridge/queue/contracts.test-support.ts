import * as z from 'zod';
import { defineQueue, job } from '../contract/queue.js';

/** A moment: a Date in TypeScript, ISO text in Redis. */
export const moment = z.codec(z.iso.datetime(), z.date(), {
  decode: (text) => new Date(text),
  encode: (date) => date.toISOString(),
});

/** A count that may be large: a bigint in TypeScript, digits in Redis. */
export const digits = z.codec(z.string().regex(/^\d+$/), z.bigint(), {
  decode: (text) => BigInt(text),
  encode: (count) => count.toString(),
});

/** Contracts that the tests of publishing and listening share. */
export const mail = defineQueue('mail', {
  send: job({
    data: z.object({
      to: z.email(),
      subject: z.string().default('(none)'),
      tags: z.array(z.string().min(1)).optional(),
    }),
    result: z.object({ messageId: z.string(), sentAt: moment, attempts: z.int().default(1) }),
    options: { attempts: 3, backoff: { type: 'fixed', delay: 5 } },
  }),
  remind: job({
    data: z.object({ at: moment, count: digits.optional() }),
    result: z.null(),
    options: { priority: 'high' },
  }),
});

/** A second queue, for flows across two. */
export const reports = defineQueue('reports', {
  build: job({ data: z.object({ month: z.int().min(1).max(12) }), result: z.object({ pages: z.int() }) }),
});
