import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildBundle, serialiseBundle } from './bundle.js';
import { ProtocolError } from './error.js';
import { type BullmqPackage, readBullmq } from './installed.js';

const installed = readBullmq(process.cwd());

/** The installed BullMQ with the source of one script changed. */
function withScript(name: string, change: (source: string) => string, keys?: number): BullmqPackage {
  return {
    ...installed,
    scripts: installed.scripts.map((script) =>
      script.name === name ? { ...script, content: change(script.content), keys: keys ?? script.keys } : script,
    ),
  };
}

describe('buildBundle', () => {
  it('holds the sources byte for byte, with the SHA1 that EVALSHA takes', () => {
    const bundle = buildBundle(installed);
    const published = new Map(installed.scripts.map((script) => [script.name, script]));
    for (const [name, script] of Object.entries(bundle.scripts)) {
      expect(script.source).toBe(published.get(name)?.content);
      expect(script.keys).toBe(published.get(name)?.keys);
      expect(script.sha1).toBe(createHash('sha1').update(script.source).digest('hex'));
    }
  });

  it('names version, layout of every script and licence', () => {
    const bundle = buildBundle(installed);
    expect(bundle.bullmq).toBe(installed.version);
    expect(bundle.scripts.moveToFinished?.variant).toBe('moveToFinished-14');
    expect(bundle.license).toContain('MIT');
    expect(bundle.license).toContain('Permission is hereby granted');
  });

  it('holds every script but those of Relay', () => {
    const bundled = Object.keys(buildBundle(installed).scripts);
    const others = installed.scripts.map(({ name }) => name).filter((name) => !bundled.includes(name));
    expect(others.filter((name) => !name.startsWith('relay'))).toEqual([]);
    expect(others.length).toBeGreaterThan(0);
  });

  it('has the same bytes whenever it is made', () => {
    const shuffled = { ...installed, scripts: [...installed.scripts].reverse() };
    expect(serialiseBundle(buildBundle(shuffled))).toBe(serialiseBundle(buildBundle(installed)));
  });

  it.each<[string, (source: string) => string]>([
    [
      'two keys have changed places',
      (s) => s.replace('KEYS[1] wait key', 'KEYS[1] active key').replace('KEYS[2] active key', 'KEYS[2] wait key'),
    ],
    ['an argument has been added', (s) => s.replace('ARGV[3] opts', 'ARGV[3] opts\n    ARGV[4] fetch next')],
    ['an argument means something else', (s) => s.replace('ARGV[2] timestamp', 'ARGV[2] token')],
    ['the documentation is gone', (s) => s.replace('--[[', '--')],
  ])('refuses a script when %s, although the key count is the same', (_, change) => {
    const build = () => buildBundle(withScript('moveToActive', change));
    expect(build).toThrow(ProtocolError);
    expect(build).toThrow(`script moveToActive of bullmq ${installed.version}`);
    expect(build).toThrow('known as moveToActive-11');
    expect(build).toThrow(/Recognised all the same: addDelayedJob, .*, updateProgress\./);
  });

  it('refuses a script that adds jobs when the parts of its packed argument have moved', () => {
    const moved = withScript('addStandardJob', (source) =>
      source.replace('[6]  parent dependencies key.', '[6]  something else\n            [7]  parent dependencies key.'),
    );
    expect(() => buildBundle(moved)).toThrow('known as addStandardJob-9');
  });

  it('refuses a script whose key count has changed', () => {
    expect(() => buildBundle(withScript('extendLock', (source) => source, 3))).toThrow('key count: 3');
  });

  it('recognises a script whose body or wording has changed', () => {
    const reworded = withScript('moveToActive', (source) =>
      source.replace('KEYS[1] wait key', "KEYS[1] 'wait',").concat('\n-- a fix'),
    );
    expect(buildBundle(reworded).scripts.moveToActive?.variant).toBe('moveToActive-11');
  });

  it('refuses a BullMQ that lacks a script', () => {
    const scripts = installed.scripts.filter(({ name }) => name !== 'retryJob');
    expect(() => buildBundle({ ...installed, scripts })).toThrow('has no script retryJob');
  });

  it('takes a BullMQ that lacks a script which came later', () => {
    const scripts = installed.scripts.filter(({ name }) => name !== 'getJobs');
    expect(Object.keys(buildBundle({ ...installed, scripts }).scripts)).not.toContain('getJobs');
  });

  it.each(['5.57.9', '4.18.3', '7.0.0', 'unknown'])('refuses bullmq %s, and names what it supports', (version) => {
    expect(() => buildBundle({ ...installed, version })).toThrow(`This is bullmq ${version}`);
    expect(() => buildBundle({ ...installed, version })).toThrow('supports 5.58.0 and later up to 6.x');
  });

  it.each(['6.7.1', '6.10.0'])('takes bullmq %s when its scripts are known', (version) => {
    expect(buildBundle({ ...installed, version }).bullmq).toBe(version);
  });
});

describe('readBullmq', () => {
  it("takes BullMQ's own folder as well as a project's", () => {
    expect(readBullmq(join(process.cwd(), 'node_modules', 'bullmq'))).toEqual(installed);
  });

  it('says how to install a BullMQ that is missing', () => {
    expect(() => readBullmq('/')).toThrow('Run: npm install bullmq');
  });
});
