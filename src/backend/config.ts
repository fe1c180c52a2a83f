import { availableParallelism } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ArchiveLimits, defaultArchiveLimits } from './archive/limits.js';
import { readDotenv } from './dotenv.js';

const repository = fileURLToPath(new URL('../..', import.meta.url));

/** Thrown when a setting makes no sense. The message names the variable and what it accepts, never a password. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** What one backend process is told from outside. The two URLs may hold passwords: log {@link describeConfig}. */
export interface Config {
  /** Address to listen on. Loopback unless HOST says otherwise: the API has no login. */
  readonly host: string;
  /** TCP port; 0 picks a free one. */
  readonly port: number;
  /** `sqlite:///<absolute path>` or `postgresql://…`, the forms that the Python side reads too. */
  readonly databaseUrl: string;
  /** `redis://`, `rediss://` or `unix://`. */
  readonly redisUrl: string;
  /** BullMQ's key prefix. */
  readonly queuePrefix: string;
  /** Whether workers are told through Redis which contract is written here, and looked at. */
  readonly announceContract: boolean;
  /** Folder of the emitted schemas, for the announcement; absolute. */
  readonly contractDir: string;
  /** True: jobs go through the queue. False: the backend calls the HTTP worker itself. */
  readonly useQueue: boolean;
  /** Where the HTTP worker answers; used only when `useQueue` is false. */
  readonly workerUrl: string;
  /** How many documents are sent to the HTTP worker at the same time. */
  readonly workerConcurrency: number;
  /** Folder of uploads and extracted documents, absolute, shared with the Python workers. */
  readonly storageDir: string;
  /** Largest accepted upload. */
  readonly maxUploadBytes: number;
  /** Least severe messages that are logged. */
  readonly logLevel: string;
  /** What an archive may hold. */
  readonly archiveLimits: ArchiveLimits;
}

type Environment = Readonly<Record<string, string | undefined>>;

const mebibyte = 1024 * 1024;

/**
 * Reads the settings from `environment`, completed from the first `.env` found in the working directory or the
 * repository. The environment wins over the file; an empty value counts as not set.
 *
 * @throws {@link ConfigError} naming the variable that cannot be used.
 */
export function loadConfig(
  environment: Environment = process.env,
  dotenvFolders = [process.cwd(), repository],
): Config {
  const settings = new Settings(environment, readDotenv(dotenvFolders));
  return {
    host: settings.text('HOST', '127.0.0.1'),
    port: settings.integer('PORT', 3001, 0, 65_535),
    databaseUrl: databaseUrl(
      settings.text('DATABASE_URL', `sqlite:///${join(repository, '.data', 'bullmq-bridge.db')}`),
    ),
    redisUrl: redisUrl(settings),
    queuePrefix: settings.text('QUEUE_PREFIX', 'bull'),
    announceContract: settings.flag('ANNOUNCE_CONTRACT', false),
    contractDir: resolve(settings.text('CONTRACT_DIR', join(repository, 'schemas'))),
    useQueue: settings.flag('USE_QUEUE', true),
    workerUrl: workerUrl(settings.text('WORKER_URL', 'http://127.0.0.1:8000')),
    workerConcurrency: settings.integer('WORKER_CONCURRENCY', Math.min(4, availableParallelism()), 1, 256),
    storageDir: resolve(settings.text('STORAGE_DIR', join(repository, '.data', 'storage'))),
    maxUploadBytes: settings.integer('MAX_UPLOAD_MB', 100, 1, 10_240) * mebibyte,
    logLevel: settings.choice('LOG_LEVEL', 'info', ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']),
    archiveLimits: {
      ...defaultArchiveLimits,
      entries: settings.integer('MAX_ARCHIVE_ENTRIES', defaultArchiveLimits.entries, 1, 100_000),
      inflatedBytes:
        settings.integer('MAX_ARCHIVE_MB', defaultArchiveLimits.inflatedBytes / mebibyte, 1, 102_400) * mebibyte,
      ratio: settings.integer('MAX_ARCHIVE_RATIO', defaultArchiveLimits.ratio, 1, 1_032),
    },
  };
}

/** One line for the log, without passwords. */
export function describeConfig(config: Config): string {
  const way = config.useQueue
    ? `queue on ${maskPassword(config.redisUrl)}, prefix ${config.queuePrefix}`
    : `direct calls to ${maskPassword(config.workerUrl)}`;
  return `${way}; database ${maskPassword(config.databaseUrl)}; storage ${config.storageDir}`;
}

/** The URL without user, password and parameters. */
export function maskPassword(url: string): string {
  if (url.startsWith('sqlite:')) return url;
  return url.replace(/\/\/.*@/, '//***@').replace(/\?.*$/, '');
}

class Settings {
  readonly #environment: Environment;
  readonly #dotenv: Environment;

  constructor(environment: Environment, dotenv: Environment) {
    this.#environment = environment;
    this.#dotenv = dotenv;
  }

  text(name: string, fallback: string): string {
    return (this.#environment[name] || this.#dotenv[name] || fallback).trim();
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.text(name, String(fallback)).toLowerCase();
    if (['1', 'true', 'yes', 'on'].includes(value)) return true;
    if (['0', 'false', 'no', 'off'].includes(value)) return false;
    throw new ConfigError(`${name} must be true or false, not ${JSON.stringify(value)}.`);
  }

  choice(name: string, fallback: string, choices: readonly string[]): string {
    const value = this.text(name, fallback).toLowerCase();
    if (choices.includes(value)) return value;
    throw new ConfigError(`${name} must be one of ${choices.join(', ')}, not ${JSON.stringify(value)}.`);
  }

  integer(name: string, fallback: number, least: number, most: number): number {
    const value = this.text(name, String(fallback));
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= least && number <= most) return number;
    throw new ConfigError(`${name} must be a whole number from ${least} to ${most}, not ${JSON.stringify(value)}.`);
  }
}

function databaseUrl(value: string): string {
  const accepted = 'DATABASE_URL must be sqlite:///<absolute path> or postgresql://user:password@host/database';
  const sqlite = /^sqlite:\/\/\/(.+)$/.exec(value);
  if (sqlite?.[1]) {
    if (isAbsolute(sqlite[1])) return value;
    throw new ConfigError(
      `${accepted}; a relative path would depend on where each process was started (an absolute one has four slashes).`,
    );
  }
  if (/^postgres(ql)?(\+psycopg)?:\/\//.test(value)) return value.replace(/^postgres(ql)?(\+psycopg)?:/, 'postgresql:');
  throw new ConfigError(`${accepted}.`);
}

function redisUrl(settings: Settings): string {
  const host = settings.text('REDIS_HOST', '127.0.0.1');
  const port = settings.integer('REDIS_PORT', 6379, 1, 65_535);
  const url = settings.text('REDIS_URL', `redis://${host.includes(':') ? `[${host}]` : host}:${port}`);
  if (/^(rediss?|unix):\/\//.test(url)) return url;
  throw new ConfigError('REDIS_URL must start with redis://, rediss:// or unix://.');
}

function workerUrl(value: string): string {
  if (/^https?:\/\//.test(value) && URL.canParse(value)) return value.replace(/\/+$/, '');
  throw new ConfigError('WORKER_URL must be an http:// or https:// address.');
}
