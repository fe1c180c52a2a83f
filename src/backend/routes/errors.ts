import type { FastifyError, FastifyInstance } from 'fastify';

/** An answer other than success. The message is shown to the client. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly statusCode: number;

  constructor(statusCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.statusCode = statusCode;
  }
}

/** Every error is answered as `{"error": "…"}`; what is our own fault is logged and not shown. */
export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) request.log.error({ err: error }, 'request failed');
    const shown = status < 500 || error instanceof HttpError;
    return reply.code(status).send({ error: shown ? error.message : 'Internal error; the log has the details' });
  });
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ error: `There is no ${request.method} ${request.url.split('?')[0]}` }),
  );
}
