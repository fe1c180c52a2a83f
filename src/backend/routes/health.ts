import type { FastifyInstance } from 'fastify';

/** Something the backend cannot work without. Rejects when it does not answer. */
export type Check = () => Promise<unknown>;

/** How long a dependency may take to answer, in milliseconds. */
const patienceMs = 2_000;

/** `GET /healthz`: 200 when everything answers, else 503; in both cases says who did and who did not. */
export function healthRoutes(app: FastifyInstance, mode: string, checks: Readonly<Record<string, Check>>): void {
  app.get('/healthz', { logLevel: 'warn' }, async (_request, reply) => {
    const states = await Promise.all(
      Object.entries(checks).map(async ([name, check]) => [name, await answers(check)] as const),
    );
    const healthy = states.every(([, state]) => state === 'ok');
    const answer = { status: healthy ? 'ok' : 'unavailable', mode, ...Object.fromEntries(states) };
    return reply.code(healthy ? 200 : 503).send(answer);
  });
}

async function answers(check: Check): Promise<'ok' | 'unreachable'> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), patienceMs);
  });
  try {
    await Promise.race([check(), late]);
    return 'ok';
  } catch {
    return 'unreachable';
  } finally {
    clearTimeout(timer);
  }
}
