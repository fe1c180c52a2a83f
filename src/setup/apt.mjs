import { existsSync } from 'node:fs';
import { capture } from './capture.mjs';
import { step } from './step.mjs';

/**
 * Installs Redis with Debian's package manager where that disturbs nobody: as root, in a container. On a machine that
 * systemd runs, the package would start a service of its own, which is for its owner to decide.
 *
 * @param {object} [machine]
 * @param {boolean} [machine.isRoot]
 * @param {boolean} [machine.hasSystemd]
 * @returns {Promise<void>}
 */
export async function installRedisWithApt({
  isRoot = process.getuid?.() === 0,
  hasSystemd = existsSync('/run/systemd/system'),
} = {}) {
  if (!isRoot || hasSystemd) return;
  if ((await capture('apt-get', ['--version'])).code !== 0) return;
  await step('Installing redis-server (apt-get)', async () => {
    // In run level 1 the package's scripts start no service.
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
    await capture('apt-get', ['update'], { env });
    await capture('apt-get', ['install', '-y', '--no-install-recommends', 'redis-server'], { env });
  });
}
