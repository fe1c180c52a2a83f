import * as fc from 'fast-check';
import { readVectors, textOf } from '../gates/vector.js';
import { type Draft, isList, isObject, member, Verbatim, write } from './json-text.js';

/** Plain values of every kind. */
const PLAIN: readonly Draft[] = [
  null,
  true,
  false,
  0,
  1,
  -1,
  1.5,
  '',
  'a',
  '1',
  'true',
  'null',
  [],
  [null],
  {},
  { a: 1 },
];

/** What takes the place of a value, whatever it was. */
const OTHERS: readonly Draft[] = [
  ...PLAIN,
  ...['1.0', '-0', '-0.0', '1E400', '1e-400', 'NaN', '-Infinity', 'undefined', '01', '1.', '+1', '.5', '0x10'].map(raw),
  ...['9007199254740991', '9007199254740992', '9007199254740993', '-9007199254740993', '1152921504606847000'].map(raw),
  ...['1e15', '1e16', '123456789012345678901234567890', '1.7976931348623157e308', '5e-324', '0.1e1', '100e-2'].map(raw),
  ...['"\\ud83d"', '"\\ude00\\ud83d"', '"\\ud83d\\ude00"', '"\\u0000"', '"\\q"', '"\t"', "'a'", '{"__proto__":1}'].map(
    raw,
  ),
  ...['{"a":1,"a":"b"}', '{"a":"b","a":1}', '{"\\u005f_proto__":{}}', '{"\\ud83d":1}', '{a:1}', '[1,]', '{"a":1,}'].map(
    raw,
  ),
  raw(`${'['.repeat(199)}${']'.repeat(199)}`),
  raw(`${'['.repeat(202)}${']'.repeat(202)}`),
];

/** Texts that say something about JSON itself. */
const TEXTS = readVectors('json-text.json').vectors.map(textOf);

function raw(text: string): Verbatim {
  return new Verbatim(text);
}

/** Changes one place of a payload, so that it may just fail, or just pass. */
export function mutate(draft: Draft, draw: fc.GeneratorValue): Draft {
  const pick = <Item>(items: readonly Item[]): Item => items[draw(fc.nat, { max: items.length - 1 })] as Item;
  // Half of the time at a part, so that deep places have their turn.
  if (isList(draft) && draft.length > 0 && pick([true, true, false])) {
    const at = draw(fc.nat, { max: draft.length - 1 });
    return draft.with(at, mutate(draft[at] as Draft, draw));
  }
  const names = isObject(draft) ? Object.keys(draft) : [];
  if (isObject(draft) && names.length > 0 && pick([true, true, false])) {
    const name = pick(names);
    return { ...draft, [name]: mutate(draft[name] as Draft, draw) };
  }
  if (pick([true, false, false])) return pick(OTHERS);
  return pick(neighbours(draft, pick));
}

/** Changes the text of a whole payload. */
export function mangle(text: string, draw: fc.GeneratorValue): string {
  const pick = <Item>(items: readonly Item[]): Item => items[draw(fc.nat, { max: items.length - 1 })] as Item;
  return pick([
    () => ` \n\t\r${text} \n`,
    () => `\ufeff${text}`,
    () => `${text},`,
    () => `${text}${text}`,
    () => text.slice(0, -1),
    () => `\u00a0${text}`,
    () => `/**/${text}`,
    () => pick(TEXTS),
  ])();
}

type Pick = <Item>(items: readonly Item[]) => Item;

/** Values that differ a little. */
function neighbours(draft: Draft, pick: Pick): readonly Draft[] {
  if (typeof draft === 'number') return besideNumber(draft);
  if (typeof draft === 'string') return besideText(draft);
  if (isList(draft)) return besideList(draft);
  if (isObject(draft)) return besideObject(draft, pick);
  return OTHERS;
}

function besideNumber(number: number): Draft[] {
  const text = JSON.stringify(number);
  return [
    ...[number + 1, number - 1, number + 0.5, -number, number * 2, number / 3, Math.round(number), Math.fround(number)],
    ...[`${number}`, [number]],
    ...(/^-?\d+$/.test(text) ? [raw(`${text}.0`), raw(`${text}.5`), raw(`${text}e0`), raw(`${text}0e-1`)] : []),
    ...[raw(`${text} `), raw(`0${text}`)],
  ].filter((other) => typeof other !== 'number' || Number.isFinite(other)) as Draft[];
}

function besideText(text: string): Draft[] {
  const inside = JSON.stringify(text).slice(1, -1);
  return [
    ...[`${text}\n`, `\n${text}`, `${text} `, ` ${text}`, `${text}\u0000`, `${text}\u2028`, `${text}a`, `${text}😀`],
    ...[text.slice(1), [...text].slice(0, -1).join(''), text + text, text.toUpperCase(), text.toLowerCase()],
    ...[text.normalize('NFD'), text.normalize('NFKC'), text.replace(/\d/g, '٣'), text.replace(/a/gi, 'а')],
    ...[text.replace(/\d/, (digit) => String((Number(digit) + 1) % 10)), text.replace(/[-:.]/, '_'), [text]],
    ...[text.replace(/s/g, 'ſ'), text.replace(/k/gi, '\u212a'), text.replace(/[a-z]/, (char) => char.toUpperCase())],
    raw(`"${text.split('').map(escapeUnit).join('')}"`),
    raw(`"${inside}\\ud800"`),
    raw(`"\\udfff${inside}"`),
    raw(`"${inside}\n"`),
  ];
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function besideList(list: readonly Draft[]): Draft[] {
  const last = list.at(-1) ?? null;
  return [
    list.slice(0, -1),
    list.slice(1),
    [...list, last],
    [...list, null],
    [list],
    Object.fromEntries([...list.entries()]),
  ];
}

function besideObject(object: { readonly [name: string]: Draft }, pick: Pick): Draft[] {
  const entries = Object.entries(object);
  const inside = entries.map(([name, part]) => member(name, part));
  const [name, part] = entries.length > 0 ? pick(entries) : ['a', 1 as Draft];
  const without = entries.filter(([other]) => other !== name);
  const withRaw = (...more: string[]) => raw(`{${[...inside, ...more].join(',')}}`);
  return [
    Object.fromEntries(without),
    Object.fromEntries(without),
    Object.fromEntries([...without, [name.toUpperCase(), part]]),
    Object.fromEntries([...without, [`${name}\n`, part]]),
    { ...object, [name]: null },
    { ...object, more: 1 },
    { ...object, more: { deep: [] } },
    Object.values(object),
    withRaw('"__proto__":{}'),
    withRaw('"constructor":1'),
    withRaw('"toString":null'),
    withRaw('"\\ud800":1'),
    ...(isPlain(object)
      ? [withRaw(member(name, pick(PLAIN))), raw(`{${[member(name, pick(PLAIN)), ...inside].join(',')}}`)]
      : []),
  ];
}

/** Of two members with one name the first is lost, so it must be nothing that a language would have stumbled over. */
function isPlain(object: Draft): boolean {
  const text = write(object);
  try {
    return JSON.stringify(JSON.parse(text)) === text;
  } catch {
    return false;
  }
}
