import * as z from 'zod';
import { defineQueue, job } from '../../../src/bridge/index.js';

/** With a format that older workers do not know. */
export const mail = defineQueue('mail', {
  send: job({ data: z.object({ format: z.enum(['text', 'html', 'pdf']) }), result: z.null() }),
  remind: job({ data: z.object({}), result: z.null() }),
});
