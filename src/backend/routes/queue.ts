import type { FastifyInstance } from 'fastify';
import { HttpError } from './errors.js';

/** `GET /api/queue/stats`; 503 while Redis cannot be asked. */
export function queueRoutes(app: FastifyInstance, readStats: () => Promise<object>): void {
  app.get('/api/queue/stats', async () => {
    try {
      return await readStats();
    } catch (error) {
      throw new HttpError(503, 'The queue cannot be reached', { cause: error });
    }
  });
}
