import { beforeAll, describe, expect, test } from 'vitest';
import { useSystem } from '../support/system.js';

const system = useSystem();
const queue = system.queue();
let events: Awaited<ReturnType<typeof system.events>>;

beforeAll(async () => {
  events = await system.events(queue.name);
  await system.startWorker('processors.py', { queue: queue.name });
});

/** What a job returns, as QueueEvents and as the job's hash tell it; both must be the same. */
async function resultOf(name: string, data: unknown): Promise<unknown> {
  const job = await queue.add(name, data);
  const heard = await job.waitUntilFinished(events, 15_000);
  const stored = await queue.getJob(job.id as string);
  expect(stored?.returnvalue).toEqual(heard);
  return heard;
}

describe('a payload that Node sends comes back from Python as it went', () => {
  test.each<[string, unknown]>([
    ['text beyond ASCII', 'Grüße, Ελλάδα, 日本語, العربية'],
    ['astral characters', '😀👩‍👩‍👧‍👦 𝒳 🇩🇪'],
    ['characters that are special to JSON and to terminals', '"\\/\b\f\n\r\t\u0000\u001b\u007f\u2028\u2029'],
    ['text that is not normalised', 'e\u0301 \u00e9'],
    ['a byte order mark', '\ufefftext\ufeff'],
    ['an empty text', ''],
    ['the largest exact integer', Number.MAX_SAFE_INTEGER],
    ['the smallest exact integer', Number.MIN_SAFE_INTEGER],
    ['zero', 0],
    ['a small fraction', 1e-7],
    ['a fraction that has no exact binary form', 0.1 + 0.2],
    ['a large float', 1.5e300],
    ['true', true],
    ['false', false],
    ['null', null],
    ['an empty list', []],
    ['an empty object', {}],
    ['empty values inside others', { list: [], object: {}, text: '', nothing: null, lists: [[], [[]]] }],
    ['keys that are names to JavaScript', { constructor: { prototype: [], toString: 1 } }],
    ['keys beyond ASCII, and an empty one', { 'Schlüssel 😀': 1, '': 2 }],
    ['nested values', { a: [{ b: [{ c: [1, [2, { d: 'tief' }]] }] }] }],
  ])('%s', async (_, payload) => {
    const returned = await resultOf('echo', payload);
    expect(JSON.stringify(returned)).toBe(JSON.stringify(payload));
  });

  test('a payload nested 150 deep', async () => {
    let payload: unknown = 'bottom';
    for (let depth = 0; depth < 150; depth++) payload = depth % 2 ? [payload] : { down: payload };
    expect(await resultOf('echo', payload)).toEqual(payload);
  });

  test('a payload of a million characters', async () => {
    const payload = 'ü😀x'.repeat(250_000);
    expect(await resultOf('echo', payload)).toBe(payload);
  });
});

describe('Python sees in a payload', () => {
  test.each<[string, unknown, { type: string; repr?: string; points?: number[] }]>([
    ['one code point for an astral character', 'a😀', { type: 'str', points: [0x61, 0x1f600] }],
    ['integers as int', 9007199254740991, { type: 'int', repr: '9007199254740991' }],
    ['a whole float as int, for JavaScript writes no other', 1.0, { type: 'int', repr: '1' }],
    ['fractions as float', 1e-7, { type: 'float', repr: '1e-07' }],
    ['no minus zero, for JavaScript writes none', -0, { type: 'int', repr: '0' }],
    ['true as bool, not as 1', true, { type: 'bool', repr: 'True' }],
    ['null as None', null, { type: 'NoneType', repr: 'None' }],
    ['null where JavaScript had NaN', [Number.NaN], { type: 'list', repr: '[None]' }],
    ['no key where JavaScript had undefined', { a: undefined, b: 1 }, { type: 'dict', repr: "{'b': 1}" }],
  ])('%s', async (_, payload, seen) => {
    expect(await resultOf('describe', payload)).toMatchObject(seen);
  });

  test('keys in the order in which Node wrote them', async () => {
    const seen = await resultOf('describe', { z: 1, a: 2, ü: 3 });
    expect(seen).toMatchObject({ repr: "{'z': 1, 'a': 2, 'ü': 3}" });
  });
});

describe('a result that Python writes in its own way reaches Node as', () => {
  test.each<[string, unknown]>([
    ['minus zero', -0],
    ['one as a float', 1],
    ['a ten-millionth', 1e-7],
    ['a large float', 1e21],
    ['the smallest float', Number.MIN_VALUE],
    ['the largest float', Number.MAX_VALUE],
    ['the largest integer', Number.MAX_SAFE_INTEGER],
    ['the smallest integer', Number.MIN_SAFE_INTEGER],
    ['a tuple', [1, 'two', null]],
  ])('%s', async (literal, value) => {
    // `toBe` for numbers, since it tells minus zero from zero.
    const returned = await resultOf('literal', literal);
    if (typeof value === 'number') expect(returned).toBe(value);
    else expect(returned).toEqual(value);
  });

  test('null where the processor returns nothing', async () => {
    expect(await resultOf('nothing', {})).toBeNull();
  });
});

test('a processor knows what Node knows of the job', async () => {
  const job = await queue.add('introduce', { a: 1 }, { jobId: 'known-by-name', priority: 7, attempts: 3, keepLogs: 5 });
  const seen = await job.waitUntilFinished(events, 15_000);
  const stored = await queue.getJob('known-by-name');
  expect(seen).toMatchObject({
    id: 'known-by-name',
    name: 'introduce',
    opts: { attempts: 3, priority: 7, kl: 5 },
    attempts_made: 0,
    attempts_started: 1,
    priority: 7,
    timestamp: job.timestamp,
    processed_on: stored?.processedOn,
    parent_key: null,
  });
});
