import { pino } from 'pino';
import { createApplication } from '../application.js';
import { loadConfig } from '../config.js';
import type { Checkpoints } from '../orchestrator/orchestrator.js';

// A backend that kills itself, as `kill -9` would, when it reaches a checkpoint: `crashing-backend.ts <checkpoint>`.
// It prints its address.
const die = async (): Promise<void> => {
  process.kill(process.pid, 'SIGKILL');
  await new Promise(() => {});
};
const checkpoints: Checkpoints = { [process.argv[2] ?? '']: die };
const { server } = await createApplication(loadConfig(process.env, []), {
  logger: pino({ level: 'silent' }),
  checkpoints,
});
process.stdout.write(`${await server.listen({ port: 0, host: '127.0.0.1' })}\n`);
