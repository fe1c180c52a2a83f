import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from './program.js';

const LIBRARY = resolve('src/bridge/index.ts');

let project: string;

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'bullmq-bridge-'));
  symlinkSync(resolve('node_modules'), join(project, 'node_modules'));
  writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module' }));
});

afterEach(() => rmSync(project, { recursive: true }));

/** Emits a contract whose data has this field in a list of objects; returns the exit code and the complaints. */
async function emit(zod: string, field: string): Promise<{ code: number; complaints: string[] }> {
  mkdirSync(join(project, 'src/jobs'), { recursive: true });
  writeFileSync(
    join(project, 'src/jobs/mail.ts'),
    `import * as z from '${zod}';
     import * as z3 from 'zod/v3';
     import * as z4 from 'zod';
     import { checkedInTypeScriptOnly, defineQueue, job } from ${JSON.stringify(LIBRARY)};
     const data = z.object({ list: z.array(z.object({ field: ${field} })) });
     export const mail = defineQueue('mail', { send: job({ data, result: z.null() }) });`,
  );
  const complaints: string[] = [];
  const terminal = {
    print: () => {},
    complain: (line: string) => complaints.push(line),
    paint: (_: string, text: string) => text,
  };
  const code = await run(['emit'], project, terminal);
  return { code, complaints: complaints.filter((line) => !line.startsWith('Warning:')) };
}

const PLACE = "src/jobs/mail.ts: queue 'mail', job 'send', data, at list[].field";

describe('emit ends with 1, and names path, reason and way out, for', () => {
  it.each<[construct: string, reason: RegExp, wayOut: RegExp, below?: string]>([
    ['z.string().refine(() => true)', /only TypeScript can run/, /checkedInTypeScriptOnly/],
    ['z.string().superRefine(() => {})', /only TypeScript can run/, /\.regex\(\)/],
    ['z.string().check(() => {})', /only TypeScript can run/, /z\.enum\(\)/],
    ['z.string().transform(Number)', /a transform is code/, /z\.codec/],
    ['z.preprocess(String, z.string())', /z\.preprocess\(\) is code/, /before the job is added/],
    ['z.string().pipe(z.string().min(3))', /checks twice/, /z\.codec/],
    ['z.coerce.number()', /converts in TypeScript/, /the plain schema/],
    ["z.string().catch('')", /bad values into good ones/, /\.default/],
    ['z.string().trim()', /changes the value/, /before it is added/],
    ['z.string().toLowerCase()', /changes the value/, /before it is added/],
    ['z.string().overwrite((text) => text)', /changes the value/, /before it is added/],
    ['z.string().regex(/^a$/i)', /has 'i'/, /\[Aa\]/],
    ['z.string().regex(/^a$/m)', /has 'm'/, /spell it out/],
    ['z.string().regex(/^\\p{L}$/u)', /Unicode tables/, /ranges of characters/],
    ['z.string().regex(/(?<=a)b/)', /looks behind/, /match what comes before/],
    ['z.string().regex(/\\bword/)', /what a word is/, /name the characters/],
    ['z.string().regex(/\\cA/)', /control escape/, /\\xHH/],
    ['z.string().regex(/(a)\\1/)', /refers back/, /spell out/],
    ['z.string().regex(/^.$/)', /UTF-16 units/, /add the flag/],
    ['z.emoji()', /Unicode tables/, /ranges of characters/],
    ["z.templateLiteral(['a', z.string().max(3)])", /UTF-16 units/, /add the flag/],
    ['z.number().multipleOf(0.01)', /integers only/, /cents/],
    ['z.number().step(0.5)', /integers only/, /cents/],
    ['z.number().multipleOf(3)', /integers only/, /z\.int\(\)/],
    ['z.tuple([z.unknown()], z.string())', /left out/, /z\.json/, '[0]'],
    ["z.record(z.enum(['a', 'b']), z.any())", /left out/, /z\.json/, '.*'],
    [
      'z.looseRecord(z.string().regex(/^x/), z.codec(z.iso.datetime(), z.date(), ' +
        '{ decode: (text) => new Date(text), encode: (date) => date.toISOString() }))',
      /cannot encode the values/,
      /z\.record/,
    ],
    ['z.int().multipleOf(5)', /beyond 2\^49/, /\.max/],
    ['z.int().multipleOf(0)', /integers only/, /z\.int\(\)/],
    ['z.number().max(Infinity)', /no finite number/, /no bound at all/],
    ['z.int().gt(1e300)', /no integer/, /no bound at all/],
    ['z.int().lt(-1e300)', /no integer/, /no bound at all/],
    ['z.string().min(-1)', /no whole number/, /no bound at all/],
    ['z.url()', /'url' is checked by code/, /\.regex/],
    ['z.jwt()', /'jwt' is checked by code/, /\.regex/],
    ['z.ipv6()', /'ipv6' is checked by code/, /checkedInTypeScriptOnly/],
    ["z.stringFormat('mine', () => true)", /'mine' is checked by code/, /\.regex/],
    ["z.string().includes('x', { position: 2 })", /counts UTF-16 units/, /the u flag/],
    ["z.string().min(3).default('x')", /does not satisfy its own schema/, /a default that does/],
    ["z.string().min(3).prefault('x')", /does not satisfy its own schema/, /a default that does/],
    ['z.uuid().default(() => crypto.randomUUID())', /differs each time/, /a constant/],
    ['z.int().default(() => Date.now())', /differs each time/, /a constant/],
    ['z.date()', /no date/, /z\.iso\.datetime/],
    ['z.bigint()', /no bigint/, /string of digits/],
    ['z.map(z.string(), z.string())', /no Map/, /z\.record/],
    ['z.set(z.string()).min(1)', /no Set/, /z\.array/],
    ['z.undefined()', /no undefined/, /\.optional\(\)/],
    ['z.void()', /no undefined/, /z\.null/],
    ['z.symbol()', /no symbol/, /z\.enum/],
    ["z.object({ [Symbol('x')]: z.string() })", /no symbol/, /z\.enum/],
    ['z.nan()', /no NaN/, /z\.null/],
    ['z.promise(z.string())', /no promise/, /resolves to/],
    ['z.function()', /no function/, /z\.enum/],
    ['z.file()', /no file/, /z\.string/],
    ['z.custom()', /only TypeScript can run/, /describes the value/],
    ['z.instanceof(Date)', /only TypeScript can run/, /describes the value/],
    ['z.literal(undefined)', /no such literal/, /\.optional/],
    ['z.literal(1n)', /no such literal/, /as text/],
    ['z.literal(NaN)', /no such literal/, /as text/],
    ['z.stringbool()', /the codec fails on "", which its wire schema accepts/, /z\.enum/],
    [
      'z.codec(z.string(), z.date(), { decode: (text) => new Date(text), encode: (date) => date.toISOString() })',
      /the codec fails on "", /,
      /narrower wire schema/,
    ],
    [
      'z.codec(z.int(), z.date(), { decode: (ms) => new Date(ms), encode: Number })',
      /the codec fails on 9007/,
      /\.max/,
    ],
    [
      'z.codec(z.string().regex(/^\\d+$/), z.int(), { decode: Number, encode: String })',
      /the codec fails on "9{38,}…/,
      /narrower wire schema/,
    ],
    [
      'z.codec(z.string(), z.string(), { decode: async (text) => text, encode: String })',
      /the codec fails/,
      /narrower/,
    ],
    [
      'z.codec(z.iso.datetime(), z.date().min(0), { decode: (text) => new Date(text), encode: (date) => date.toISOString() })',
      /the decoded side of the codec has checks/,
      /on the wire side/,
    ],
    [
      'z.codec(z.object({ a: z.string() }), z.object({ a: z.string().min(3) }), ' +
        '{ decode: (value) => value, encode: (value) => value })',
      /the decoded side of the codec has checks/,
      /on the wire side/,
    ],
    [
      'z.codec(z.array(z.string()), z.set(z.lazy(() => z.string().refine((text) => text !== "x"))), ' +
        '{ decode: (list) => new Set(list), encode: (set) => [...set] })',
      /the decoded side of the codec has checks/,
      /on the wire side/,
    ],
    [
      'z.codec(z.string(), z.string().meta({ secret: true }), { decode: (value) => value, encode: (value) => value })',
      /the mark is on a part that is not emitted/,
      /on the codec or the template itself/,
    ],
    [
      "z.templateLiteral(['key-', z.string().meta({ secret: true }).optional()])",
      /the mark is on a part that is not emitted/,
      /on the codec or the template itself/,
    ],
    ['z.union([])', /accepts nothing/, /z\.never\(\)/],
    [
      'z.union([z.object({ a: z.int().optional() }), z.codec(z.iso.datetime(), z.date(), ' +
        '{ decode: (text) => new Date(text), encode: (date) => date.toISOString() })])',
      /is written as something else/,
      /cannot be mistaken/,
    ],
    ['z.array(z.string().optional())', /undefined becomes null/, /\.nullable/, '[]'],
    ['z.tuple([z.string().optional(), z.string()])', /undefined becomes null/, /\.nullable/, '[0]'],
    ['z.record(z.number().min(5), z.string())', /keys are text/, /z\.string\(\)/],
    [
      'z.record(z.codec(z.string(), z.string(), { decode: String, encode: String }), z.string())',
      /keys are text/,
      /z\.enum/,
    ],
    ['z.looseRecord(z.string().min(3), z.int())', /one pattern/, /z\.record/],
    ['z.looseRecord(z.string().min(3).regex(/^x/), z.int())', /one pattern/, /z\.record/],
    ['z.intersection(z.strictObject({ a: z.int() }), z.object({ b: z.int() }))', /closed/, /z\.strictObject/],
    [
      'z.intersection(z.object({ a: z.int() }), z.union([z.strictObject({ b: z.int() }), z.object({ c: z.int() })]))',
      /closed/,
      /z\.strictObject/,
    ],
    ["z.intersection(z.record(z.enum(['a']), z.int()), z.object({ b: z.int() }))", /closed/, /z\.strictObject/],
    [
      'z.intersection(z.object({ a: z.int().default(1) }), z.object({ a: z.int().optional() }))',
      /cannot merge/,
      /a\.extend/,
    ],
    ['z.intersection(z.object({ a: z.int().default(1) }), z.looseObject({}))', /cannot merge/, /a\.extend/],
    ['z.string().meta({ minLength: 5 })', /sets the keyword 'minLength'/, /zod's own method/],
    ["z.string().meta({ default: 'x' })", /sets the keyword 'default'/, /zod's own method/],
    ["z.string().meta({ $ref: '#' })", /sets the keyword '\$ref'/, /zod's own method/],
    ["z.string().meta({ 'x-checkedInTypeScriptOnly': 'x' })", /sets the keyword 'x-checked/, /zod's own method/],
    ["z.string().meta({ id: 'a/b' })", /no plain name/, /letters, digits/],
    [
      "z.object({ a: z.string().meta({ id: 'Twice' }), b: z.int().meta({ id: 'Twice' }) })",
      /two schemas have the id 'Twice'/,
      /an id of its own/,
      '.b',
    ],
    ["z.object({ ['__proto__']: z.string() })", /every object of JavaScript/, /another name/, '.__proto__'],
    ['z.object({ constructor: z.string().optional() })', /every object of JavaScript/, /another name/, '.constructor'],
    ['z.object({ toString: z.unknown() })', /every object of JavaScript/, /another name/, '.toString'],
    [
      "z.record(z.enum(['toString']), z.string().optional())",
      /every object of JavaScript/,
      /another name/,
      '.toString',
    ],
    [
      "z.record(z.enum(['constructor']), z.string().default('x'))",
      /every object of JavaScript/,
      /another name/,
      '.constructor',
    ],
    ['z3.string()', /mixes schemas of zod 3 and zod 4/, /one version/],
    ["checkedInTypeScriptOnly(z.string(), 'nothing')", /Python could not check/, /remove it/],
  ])('%s', async (construct, reason, wayOut, below = '') => {
    await expectRefusal('zod', construct, `${PLACE}${below}`, reason, wayOut);
  });

  it.each<[construct: string, reason: RegExp, wayOut: RegExp, below?: string]>([
    ['z.string().refine(() => true)', /only TypeScript can run/, /checkedInTypeScriptOnly/],
    ['z.string().transform(Number)', /a transform is code/, /z\.codec/],
    ['z.preprocess(String, z.string())', /z\.preprocess\(\) is code/, /before the job is added/],
    ['z.string().pipe(z.string())', /checks twice/, /z\.codec/],
    ['z.coerce.number()', /converts in TypeScript/, /the plain schema/],
    ["z.string().catch('')", /bad values into good ones/, /\.default/],
    ['z.string().trim()', /changes the value/, /before it is added/],
    ['z.string().regex(/a/i)', /has 'i'/, /\[Aa\]/],
    ['z.string().regex(/\\ba/)', /what a word is/, /name the characters/],
    ['z.string().emoji()', /Unicode tables/, /ranges of characters/],
    ['z.string().ulid()', /upper case only/, /zod 4/],
    ["z.string().startsWith('www')", /writes wrongly/, /zod 4/],
    ["z.string().includes('x', { position: 2 })", /counts UTF-16 units/, /the u flag/],
    ['z.number().multipleOf(0.1)', /integers only/, /cents/],
    ['z.number().int().multipleOf(2).multipleOf(3)', /more than one step/, /all of them/],
    ['z.number().int().gt(1e300)', /no integer/, /no bound at all/],
    ['z.union([])', /accepts nothing/, /z\.never\(\)/],
    [
      "z.discriminatedUnion('kind', [z.object({ kind: z.literal('a').default('a') }), z.object({ kind: z.literal('b') })])",
      /left out/,
      /without a default/,
    ],
    ['z.date()', /no date/, /z\.iso\.datetime/],
    ['z.bigint()', /no bigint/, /string of digits/],
    ['z.map(z.string(), z.string())', /no Map/, /z\.record/],
    ['z.set(z.string())', /no Set/, /z\.array/],
    ['z.literal(1n)', /no such literal/, /as text/],
    ["z.string().min(3).default('x')", /does not satisfy its own schema/, /a default that does/],
    ['z.number().default(() => Math.random())', /differs each time/, /a constant/],
    ['z.array(z.string().optional())', /undefined becomes null/, /\.nullable/, '[]'],
    ['z.object({ a: z.string() }).strict().and(z.object({ b: z.string() }))', /closed/, /a\.merge/],
    [
      'z.lazy(() => z.object({ a: z.string() }).strict().nullable().readonly()).and(z.object({ b: z.string() }))',
      /closed/,
      /a\.merge/,
    ],
    ['z.record(z.number(), z.string())', /keys are text/, /z\.enum/],
    ['z.record(z.string().regex(/^a/i), z.string())', /has 'i'/, /\[Aa\]/, '.* (key)'],
    ['z.object({ constructor: z.string().optional() })', /every object of JavaScript/, /another name/, '.constructor'],
    ['z4.string()', /mixes schemas of zod 3 and zod 4/, /one version/],
    ["checkedInTypeScriptOnly(z.string(), 'nothing')", /Python could not check/, /remove it/],
  ])('zod 3: %s', async (construct, reason, wayOut, below = '') => {
    await expectRefusal('zod/v3', construct, `${PLACE}${below}`, reason, wayOut);
  });
});

async function expectRefusal(
  zod: string,
  construct: string,
  place: string,
  reason: RegExp,
  wayOut: RegExp,
): Promise<void> {
  const { code, complaints } = await emit(zod, construct);
  expect({ code, lines: complaints.join('\n').split('\n').length }).toEqual({ code: 1, lines: 1 });
  const [said = ''] = complaints;
  const [before, after] = said.split(' Instead: ');
  expect(said.startsWith(`${place}: `), said).toBe(true);
  expect(before).toMatch(reason);
  expect(after).toMatch(wayOut);
}
