import { createRequire } from 'node:module';
import { defineConfig } from 'vitest/config';

// `npm run test:matrix` runs the contract tests with another BullMQ or another client than the installed one.
const replaced = { bullmq: 'BULLMQ_FOLDER', ioredis: 'IOREDIS_FOLDER', redis: 'NODE_REDIS_FOLDER' };
const alias = Object.fromEntries(
  Object.entries(replaced).flatMap(([name, variable]) => {
    const folder = process.env[variable];
    return folder === undefined ? [] : [[name, createRequire(import.meta.url).resolve(folder)]];
  }),
);

/**
 * Two projects: `unit` (beside the code; fast; Redis only where a test says so) and `contract` (test/: real Redis,
 * real Python processes, so longer timeouts and one file at a time).
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: { name: 'unit', include: ['src/**/*.test.ts'], testTimeout: 10_000 },
      },
      {
        test: {
          name: 'contract',
          alias,
          include: ['test/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
          // Several processes on a machine that others may be using: a second try tells a slow moment from a fault.
          retry: process.env.CI ? 1 : 0,
        },
      },
    ],
  },
});
