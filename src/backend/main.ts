import { pino } from 'pino';
import { createApplication } from './application.js';
import { type Config, ConfigError, describeConfig, loadConfig } from './config.js';

/** How long a stop may take before the process ends all the same; what was underway is found by the next process. */
const stopPatienceMs = 10_000;

/** Ends the process with one line that says what to do. */
function giveUp(message: string): never {
  process.stderr.write(`backend: ${message}\n`);
  process.exit(1);
}

function readConfig(): Config {
  try {
    return loadConfig();
  } catch (error) {
    if (error instanceof ConfigError) giveUp(error.message);
    throw error;
  }
}

const config = readConfig();
const logger = pino({ level: config.logLevel });
const application = await createApplication(config, { logger }).catch((error: Error) =>
  giveUp(`cannot start: ${error.message}`),
);

let stopping = false;
async function stop(signal: NodeJS.Signals): Promise<void> {
  // A second signal does not wait any longer.
  if (stopping) process.exit(1);
  stopping = true;
  logger.info({ signal }, 'stopping');
  setTimeout(() => giveUp('did not stop in time'), stopPatienceMs).unref();
  await application.close();
  logger.info('stopped');
  process.exit(0);
}
process.on('SIGTERM', stop);
process.on('SIGINT', stop);

try {
  await application.server.listen({ host: config.host, port: config.port });
  logger.info(describeConfig(config));
} catch (error) {
  await application.close();
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') {
    giveUp(`port ${config.port} on ${config.host} is already in use: stop what listens there, or set PORT`);
  }
  giveUp(`cannot listen on ${config.host}:${config.port}: ${message}`);
}
