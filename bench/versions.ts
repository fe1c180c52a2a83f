import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { execa } from 'execa';
import type { Redis } from 'ioredis';
import type { Interpreters } from './contestant.js';

/** What was measured, on what. */
export async function versions(redis: Redis, interpreters: Interpreters): Promise<Record<string, string>> {
  const require = createRequire(import.meta.url);
  const version = (path: string) => (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
  const server = await redis.info('server');
  const field = (name: string) => new RegExp(`^${name}:(.*)$`, 'm').exec(server)?.[1]?.trim();
  const ofPython = async (python: string, code: string) => (await execa(python, ['-c', code])).stdout.trim();
  const distribution = (name: string) => `from importlib.metadata import version; print(version("${name}"))`;
  return {
    'bullmq-bridge': version(require.resolve('../package.json')),
    bullmq: version(require.resolve('bullmq/package.json')),
    'bullmq (PyPI)': await ofPython(interpreters.official, distribution('bullmq')),
    node: process.versions.node,
    python: await ofPython(interpreters.bridge, 'import platform; print(platform.python_version())'),
    uvloop: await ofPython(interpreters.bridge, distribution('uvloop')),
    redis: field('valkey_version') ? `Valkey ${field('valkey_version')}` : `Redis ${field('redis_version')}`,
    machine: `${cpus().length} x ${cpus()[0]?.model.trim() ?? 'unknown CPU'}`,
  };
}
