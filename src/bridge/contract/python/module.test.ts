import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { z as z3 } from 'zod/v3';
import { defineQueue, type JobDefinitions, job } from '../queue.js';
import { checkedInTypeScriptOnly } from '../typescript-only.js';
import { wireJobs } from '../wire.js';
import { renderPythonModule } from './module.js';

function render(jobs: JobDefinitions, types: 'TypedDict' | 'dataclass' = 'TypedDict'): string {
  return renderPythonModule(new Map([['mail', wireJobs(defineQueue('mail', jobs))]]), types);
}

/** The definition of one class or alias, up to the next. */
function definition(module: string, name: string): string {
  const blocks = module.trimEnd().split('\n\n\n');
  return blocks.find((block) => new RegExp(`^(?:@.*\\n)?(?:class )?${name}\\b`).test(block)) ?? '';
}

const of = (data: z.ZodType, types?: 'TypedDict' | 'dataclass') =>
  render({ 'send-mail': job({ data, result: z.null() }) }, types);
const data = (schema: z.ZodType) => definition(of(schema), 'SendMailData');
/** The annotation of one field. */
const typeOf = (schema: z.ZodType) => /^ {4}field: (.*)$/m.exec(data(z.object({ field: schema })))?.[1];

describe('renderPythonModule', () => {
  it('writes a class a payload, with docstrings from descriptions', () => {
    const schema = z.object({
      to: z.email().describe('Who gets it.'),
      copies: z.int().default(1).describe('How often.'),
      note: z.string().optional(),
    });
    expect(data(schema.describe('A mail.'))).toBe(
      [
        'class SendMailData(TypedDict):',
        '    """A mail."""',
        '',
        '    to: str',
        '    """Who gets it."""',
        '    copies: NotRequired[int]',
        '    """How often.',
        '',
        '    When it is left out: 1',
        '    """',
        '    note: NotRequired[str]',
      ].join('\n'),
    );
  });

  it.each<[string, z.ZodType, string]>([
    ['text', z.string(), 'str'],
    [
      'a codec, as it travels',
      z.codec(z.iso.datetime(), z.date(), { decode: (t) => new Date(t), encode: (d) => d.toISOString() }),
      'str',
    ],
    ['integers', z.int(), 'int'],
    ['numbers', z.number(), 'float'],
    ['booleans', z.boolean(), 'bool'],
    ['null', z.string().nullable(), 'str | None'],
    ['anything', z.unknown(), 'Any'],
    ['a choice', z.enum(['a', 'b']), 'Literal["a", "b"]'],
    ['literals of several types', z.literal([1, 'a', true, null]), 'Literal[1, "a", True, None]'],
    ['a fraction, which no literal type has', z.literal([0.5, 1]), 'Literal[1] | float'],
    ['a list', z.array(z.int()), 'list[int]'],
    ['a tuple, as JSON reads it', z.tuple([z.string(), z.int()]), 'list[str | int]'],
    ['a record', z.record(z.string(), z.int()), 'dict[str, int]'],
    ['a union', z.union([z.string(), z.array(z.string())]), 'str | list[str]'],
    ['any JSON', z.json(), 'SendMailDataField'],
    ['an object', z.object({ a: z.int() }), 'SendMailDataField'],
    ['a list of objects', z.array(z.object({ a: z.int() })), 'list[SendMailDataFieldItem]'],
    [
      'kinds',
      z.discriminatedUnion('k', [z.object({ k: z.literal('b-c') }), z.object({ k: z.literal('d') })]),
      'SendMailDataFieldBC | SendMailDataFieldD',
    ],
    [
      'several objects',
      z.union([z.object({ a: z.int() }), z.object({ b: z.int() })]),
      'SendMailDataFieldOption1 | SendMailDataFieldOption2',
    ],
    ['an intersection', z.intersection(z.object({ a: z.int() }), z.object({ b: z.int() })), 'SendMailDataField'],
  ])('writes %s', (_, schema, expected) => {
    expect(typeOf(schema)).toBe(expected);
  });

  it('writes both sides of an intersection into one class', () => {
    const shared = z.object({ b: z.int().optional() }).meta({ id: 'Shared' });
    const module = of(z.object({ field: z.intersection(z.object({ a: z.int() }), shared) }));
    expect(definition(module, 'SendMailDataField')).toContain('    a: int\n    b: NotRequired[int]');
  });

  it('writes the keys of an exhaustive record', () => {
    const module = of(z.object({ field: z.record(z.enum(['x', 'y']), z.int()) }));
    expect(definition(module, 'SendMailDataField')).toContain('    x: int\n    y: int');
  });

  it.each([
    ['no name of a field', 'a/b'],
    ['a word of Python', 'class'],
    ['mangled in a class', '__a'],
    ['a type that others need', 'list'],
  ])('writes a key that is %s', (_, key) => {
    expect(data(z.object({ [key]: z.string().describe('A key.'), other: z.enum(['x']).optional() }))).toBe(
      [
        'SendMailData = TypedDict(',
        '    "SendMailData",',
        '    {',
        '        # A key.',
        `        "${key}": "str",`,
        '        "other": \'NotRequired[Literal["x"]]\',',
        '    },',
        ')',
        '"""Data of the job `send-mail` of the queue `mail`."""',
      ].join('\n'),
    );
  });

  it('writes what is no object as an alias', () => {
    expect(definition(of(z.object({ a: z.int() })), 'SendMailResult')).toMatch(
      /^SendMailResult: TypeAlias = "None"\n"""Result of/,
    );
  });

  it('writes a definition that several payloads share once, under its id', () => {
    const address = z.object({ city: z.string() }).meta({ id: 'Address', description: 'Where.' });
    const module = render({
      one: job({ data: z.object({ at: address }), result: address }),
      two: job({ data: z.object({ at: z.array(address) }), result: z.null() }),
    });
    expect(module.match(/class Address\b/g)).toHaveLength(1);
    expect(definition(module, 'OneResult')).toContain('"Address"');
    expect(definition(module, 'TwoData')).toContain('at: list[Address]');
  });

  it('tells different definitions of one id apart', () => {
    const module = render({
      one: job({ data: z.object({ at: z.object({ a: z.int() }).meta({ id: 'Address' }) }), result: z.null() }),
      two: job({ data: z.object({ at: z.object({ b: z.int() }).meta({ id: 'Address' }) }), result: z.null() }),
    });
    expect(definition(module, 'OneData')).toContain('at: Address\n'.trimEnd());
    expect(definition(module, 'TwoData')).toContain('at: Address2');
  });

  it('follows recursion, also that of zod 3', () => {
    const tree: z.ZodType = z.lazy(() => z.object({ children: z.array(tree) }));
    expect(definition(of(tree), 'SendMailData')).toContain('children: list[SendMailData]');
    const old: z3.ZodTypeAny = z3.lazy(() => z3.object({ children: z3.array(old) }));
    const module = render({ 'send-mail': job({ data: z3.object({ tree: old }), result: z3.null() }) });
    expect(definition(module, 'SendMailDataTreeChildrenItem')).toContain(
      'children: list[SendMailDataTreeChildrenItem]',
    );
  });

  it('puts the queue before the names of jobs that several queues have', () => {
    const queue = (name: string) =>
      wireJobs(defineQueue(name, { send: job({ data: z.object({ a: z.int() }), result: z.null() }) }));
    const module = renderPythonModule(
      new Map([
        ['mail', queue('mail')],
        ['fax', queue('fax')],
      ]),
      'TypedDict',
    );
    expect(module.match(/^class \w+/gm)).toEqual(['class FaxSendData', 'class MailSendData']);
  });

  it('has the same bytes for the same contract, whatever order jobs are written in', () => {
    const one = job({ data: z.object({ a: z.int() }), result: z.null() });
    const two = job({ data: z.object({ b: z.int() }), result: z.null() });
    expect(render({ one, two })).toBe(render({ two, one }));
  });

  it('says what is checked in TypeScript only', () => {
    const iban = checkedInTypeScriptOnly(
      z.string().refine(() => true),
      'the checksum',
    );
    expect(data(z.object({ iban }))).toContain('    iban: str\n    """Checked in TypeScript only: the checksum"""');
  });

  it('writes a valid module when a definition has a name that Python keeps for itself', () => {
    const module = of(z.object({ field: z.object({ x: z.int() }).meta({ id: 'None' }) }));
    expect(definition(module, 'SendMailData')).toContain('    field: None2');
    expect(module).toContain('class None2(TypedDict):');
  });

  it('leaves control characters out of docstrings and comments', () => {
    const text = z.string().describe('a\u0000b\r# c\u000bd\u0085e');
    expect(data(z.object({ a: text }))).toContain('    """ab\n    # cde\n    """');
    expect(data(z.object({ 'a-b': text }))).toContain('        # ab\n        # # cde');
  });

  it('keeps docstrings within their quotes', () => {
    expect(data(z.object({ a: z.string().describe('Ends with \\ and """ and "x"') }))).toContain(
      '    """Ends with \\\\ and \\"\\"\\" and "x\\""""',
    );
  });
});

describe('renderPythonModule, as dataclasses', () => {
  it('writes classes that read and write JSON', () => {
    const row = z.object({ n: z.int() });
    const module = of(
      z.object({ rows: z.array(row), 'a-b': z.string().optional(), tries: z.int().default(3) }),
      'dataclass',
    );
    expect(definition(module, 'SendMailData')).toBe(
      [
        '@dataclass(frozen=True, kw_only=True)',
        'class SendMailData:',
        '    """Data of the job `send-mail` of the queue `mail`."""',
        '',
        '    rows: list[SendMailDataRowsItem]',
        '    a_b: str | None = None',
        '    tries: int = 3',
        '    """When it is left out: 3"""',
        '',
        '    @classmethod',
        '    def from_json(cls, value: Mapping[str, Any]) -> SendMailData:',
        '        """Read what the contract has let through; keys that it does not name are dropped."""',
        '        return cls(',
        '            rows=[SendMailDataRowsItem.from_json(item) for item in value["rows"]],',
        '            a_b=value.get("a-b"),',
        '            tries=value.get("tries", 3),',
        '        )',
        '',
        '    def to_json(self) -> dict[str, Any]:',
        '        """Write the object as JSON; what is None and may be left out is left out."""',
        '        value: dict[str, Any] = {',
        '            "rows": [item.to_json() for item in self.rows],',
        '            "tries": self.tries,',
        '        }',
        '        if self.a_b is not None:',
        '            value["a-b"] = self.a_b',
        '        return value',
      ].join('\n'),
    );
  });

  it('leaves objects dicts where a value may be one of several, and all that these hold', () => {
    const inner = z.object({ n: z.int() });
    const shape = z.union([z.object({ kind: z.literal('a'), inner }), z.object({ kind: z.literal('b') })]);
    const module = of(z.object({ shape, other: z.object({ x: z.int() }).nullable() }), 'dataclass');
    expect(definition(module, 'SendMailDataShapeA')).toContain('class SendMailDataShapeA(TypedDict)');
    expect(definition(module, 'SendMailDataShapeAInner')).toContain('(TypedDict)');
    expect(definition(module, 'SendMailDataOther')).toContain('@dataclass');
    expect(definition(module, 'SendMailData')).toContain(
      'other=None if value["other"] is None else SendMailDataOther.from_json(value["other"]),',
    );
  });

  it('gives a field its default when its type is an alias', () => {
    const color = z.enum(['red', 'blue']).meta({ id: 'Color' }).default('red');
    const written = definition(of(z.object({ color, more: z.array(color) }), 'dataclass'), 'SendMailData');
    expect(written).toContain('    color: Color = "red"');
    expect(written).toContain('            color=value.get("color", "red"),');
  });

  it.each([
    ['a catchall', z.object({ a: z.int() }).catchall(z.string())],
    ['any further keys', z.looseObject({ a: z.int() })],
  ])('leaves an object with %s a dict, which keeps them', (_, open) => {
    const module = of(z.object({ open, old: z.object({ a: z.int() }) }), 'dataclass');
    expect(definition(module, 'SendMailDataOpen')).toContain('class SendMailDataOpen(TypedDict)');
    expect(definition(module, 'SendMailData')).toContain('            open=value["open"],');
    expect(definition(module, 'SendMailDataOld')).toContain('@dataclass');
  });

  it('writes an object of zod 3, which says nothing of further keys, as a dataclass', () => {
    const module = render(
      { 'send-mail': job({ data: z3.object({ a: z3.string() }), result: z3.null() }) },
      'dataclass',
    );
    expect(definition(module, 'SendMailData')).toContain('@dataclass');
  });
});
