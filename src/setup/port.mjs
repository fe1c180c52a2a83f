import { createServer } from 'node:net';
import { SetupFailure } from './failure.mjs';

const HOST = '127.0.0.1';

/**
 * A port of 127.0.0.1 that is free at this moment. Another process may take it before it is used: be ready to try again.
 *
 * @returns {Promise<number>}
 */
export async function freePort() {
  const port = await listenOnce(0);
  if (port === undefined) throw new SetupFailure(`No free port on ${HOST}: too many connections are open here.`);
  return port;
}

/**
 * The port that an environment variable names, if it is free.
 *
 * @param {string} variable
 * @param {number} fallback used when the variable is not set
 * @param {string} purpose for the message
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<number>}
 * @throws {SetupFailure} when it is no port or is in use
 */
export async function requirePort(variable, fallback, purpose, env = process.env) {
  const port = env[variable] ? Number(env[variable]) : fallback;
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new SetupFailure(`${variable}=${env[variable]} is no port: give a number from 1 to 65535.`);
  }
  if ((await listenOnce(port)) === undefined) {
    throw new SetupFailure(
      `Port ${port} (${purpose}) is in use: stop what listens there, or choose another with ${variable}=${port + 100}.`,
    );
  }
  return port;
}

/**
 * Listens on a port and closes it again.
 *
 * @param {number} port 0 for any
 * @returns {Promise<number | undefined>} the port, or nothing when it cannot be had
 */
function listenOnce(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: HOST, exclusive: true }, () => {
      const address = server.address();
      const bound = typeof address === 'object' && address ? address.port : undefined;
      server.close(() => resolve(bound));
    });
  });
}
