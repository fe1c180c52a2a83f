import * as z from 'zod';
import { defineQueue, job } from '../../../src/bridge/index.js';

export const mail = defineQueue('mail', {
  send: job({ data: z.object({ format: z.enum(['text', 'html']) }), result: z.null() }),
  remind: job({ data: z.object({}), result: z.null() }),
});

export const reports = defineQueue('reports', {
  build: job({ data: z.object({ month: z.int() }), result: z.object({ pages: z.int() }) }),
});
