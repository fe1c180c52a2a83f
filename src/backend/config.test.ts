import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError, describeConfig, loadConfig } from './config.js';
import { temporaryFolder } from './testing/folder.js';

const none: string[] = [];

describe('loadConfig', () => {
  it('needs nothing to be set', () => {
    const config = loadConfig({}, none);
    expect(config).toMatchObject({
      host: '127.0.0.1',
      port: 3001,
      redisUrl: 'redis://127.0.0.1:6379',
      queuePrefix: 'bull',
      announceContract: false,
      contractDir: resolve('schemas'),
      useQueue: true,
      workerUrl: 'http://127.0.0.1:8000',
    });
    expect(config.databaseUrl).toBe(`sqlite:///${resolve('.data/bullmq-bridge.db')}`);
    expect(config.storageDir).toBe(resolve('.data/storage'));
  });

  it('reads what is set', () => {
    const config = loadConfig(
      {
        HOST: '0.0.0.0',
        PORT: '0',
        REDIS_URL: 'rediss://cache:6380/2',
        DATABASE_URL: 'sqlite:////var/lib/app.db',
        QUEUE_PREFIX: 'app',
        ANNOUNCE_CONTRACT: 'true',
        CONTRACT_DIR: 'relative/schemas',
        USE_QUEUE: 'False',
        WORKER_URL: 'http://worker:8000/',
        WORKER_CONCURRENCY: '7',
        STORAGE_DIR: 'relative/storage',
        MAX_UPLOAD_MB: '2',
        MAX_ARCHIVE_ENTRIES: '3',
        MAX_ARCHIVE_MB: '4',
        MAX_ARCHIVE_RATIO: '5',
      },
      none,
    );
    expect(config).toMatchObject({
      host: '0.0.0.0',
      port: 0,
      redisUrl: 'rediss://cache:6380/2',
      databaseUrl: 'sqlite:////var/lib/app.db',
      queuePrefix: 'app',
      announceContract: true,
      contractDir: resolve('relative/schemas'),
      useQueue: false,
      workerUrl: 'http://worker:8000',
      workerConcurrency: 7,
      storageDir: resolve('relative/storage'),
      maxUploadBytes: 2 * 1024 * 1024,
      archiveLimits: { entries: 3, inflatedBytes: 4 * 1024 * 1024, ratio: 5 },
    });
  });

  it('makes the Redis address of host and port', () => {
    expect(loadConfig({ REDIS_HOST: 'cache', REDIS_PORT: '7000' }, none).redisUrl).toBe('redis://cache:7000');
    expect(loadConfig({ REDIS_HOST: '::1' }, none).redisUrl).toBe('redis://[::1]:6379');
  });

  it.each(['postgres://u:p@db/app', 'postgresql://u:p@db/app', 'postgresql+psycopg://u:p@db/app'])(
    'takes the address of PostgreSQL as either language writes it: %s',
    (url) => {
      expect(loadConfig({ DATABASE_URL: url }, none).databaseUrl).toBe('postgresql://u:p@db/app');
    },
  );

  it('completes the environment from the first .env file, which loses against it', () => {
    const [first, second] = [temporaryFolder(), temporaryFolder()];
    writeFileSync(
      join(first, '.env'),
      '# ours\nPORT=4000\nQUEUE_PREFIX="from file"\nREDIS_URL=redis://:pa$word@cache\n',
    );
    writeFileSync(join(second, '.env'), 'HOST=never-read\n');
    const config = loadConfig({ PORT: '5000', QUEUE_PREFIX: '' }, [first, second]);
    expect(config).toMatchObject({ port: 5000, queuePrefix: 'from file', host: '127.0.0.1' });
    expect(config.redisUrl).toBe('redis://:pa$word@cache');
  });

  it.each([
    ['PORT', 'abc', 'PORT must be a whole number from 0 to 65535, not "abc".'],
    ['PORT', '70000', 'PORT must be a whole number from 0 to 65535, not "70000".'],
    ['USE_QUEUE', 'maybe', 'USE_QUEUE must be true or false, not "maybe".'],
    ['WORKER_CONCURRENCY', '0', 'WORKER_CONCURRENCY must be a whole number from 1 to 256, not "0".'],
    ['LOG_LEVEL', 'loud', 'LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent, not "loud".'],
    ['WORKER_URL', 'worker:8000', 'WORKER_URL must be an http:// or https:// address.'],
  ])('refuses %s=%s and says what it takes', (name, value, message) => {
    expect(() => loadConfig({ [name]: value }, none)).toThrow(new ConfigError(message));
  });

  it('refuses a SQLite path that depends on where the process was started', () => {
    expect(() => loadConfig({ DATABASE_URL: 'sqlite:///data/app.db' }, none)).toThrow(/four slashes/);
  });

  it.each([
    ['DATABASE_URL', 'mysql://root:secret@db/app'],
    ['REDIS_URL', 'http://:secret@cache'],
  ])('keeps the password of a bad %s to itself', (name, value) => {
    const load = () => loadConfig({ [name]: value }, none);
    expect(load).toThrow(name);
    expect(load).not.toThrow(/secret/);
  });
});

describe('describeConfig', () => {
  it('shows no passwords', () => {
    const settings = {
      REDIS_URL: 'redis://user:secret@cache:6379',
      DATABASE_URL: 'postgresql://user:sec/ret@db/app?password=secret',
    };
    const line = describeConfig(loadConfig(settings, none));
    expect(line).not.toMatch(/sec/);
    expect(line).toContain('redis://***@cache:6379');
    expect(line).toContain('postgresql://***@db/app');
  });
});
