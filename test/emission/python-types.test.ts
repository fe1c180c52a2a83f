import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { renderPythonModule } from '../../src/bridge/contract/python/module.js';
import { wireJobs } from '../../src/bridge/contract/wire.js';
import { defineQueue, job, type QueueContract } from '../../src/bridge/index.js';
import { fileProcessing } from '../../src/jobs/file-processing.js';
import { shapes } from '../gates/shapes.js';

const PYTHON = process.env.PYTHON ?? 'python3';

const item = z.object({ sku: z.string(), count: z.int().default(1) }).meta({ id: 'Item' });

/** Everything that types can trip over: odd keys, defaults, nesting, recursion, several kinds of object. */
const orders = defineQueue('orders', {
  'place-order': job({
    data: z.object({
      items: z.array(item),
      'gift/wrap': z.boolean().optional(),
      class: z.enum(['economy', 'express']),
      byShelf: z.record(z.string(), z.array(item)),
      payment: z.discriminatedUnion('kind', [
        z.object({ kind: z.literal('card'), last4: z.string() }),
        z.object({ kind: z.literal('cash') }),
      ]),
      address: z.object({ city: z.string() }).nullable(),
      tags: z.array(z.string()).default([]),
      extra: z.json().optional(),
      self: z.string(),
    }),
    result: z.object({ id: z.int(), warnings: z.array(z.object({ text: z.string() })).optional() }),
  }),
});

/** Uses of the types: `# error: <code>` is what a strict type checker has to say of a line, and of no other. */
const TYPED_DICTS = `
from payloads import BatchOutcome, PlaceOrderData, PlaceOrderResult, ProcessFileResult


def place(data: PlaceOrderData) -> PlaceOrderResult:
    first = data["items"][0]
    count: int = first.get("count", 1)
    if data["payment"]["kind"] == "card":
        last4: str = data["payment"]["last4"]
        print(last4)
    print(data["payment"]["last4"])  # error: typeddict-item
    print(data["item"])  # error: typeddict-item
    print(data["class"].upper(), data.get("gift/wrap"), data["byShelf"]["a"][0]["sku"])
    print(data["address"]["city"])  # error: index
    if count == 0:
        return {"id": "1"}  # error: typeddict-item
    if count == 1:
        return {"id": 1, "pages": 1}  # error: typeddict-unknown-key
    if count == 2:
        return {}  # error: typeddict-item
    return {"id": 1, "warnings": [{"text": "none left"}]}


def outcome(completed: bool) -> BatchOutcome:
    return "completed" if completed else "lost"  # error: return-value


def extract() -> ProcessFileResult:
    return {"doc_id": "1", "media_type": "x", "bytes": 1, "characters": 1, "pages": None, "sha256": "0"}
`;

const DATACLASSES = `
import json

from dataclass_payloads import Item, PlaceOrderData, PlaceOrderResult, PlaceOrderResultWarningsItem

TEXT = '''{"items": [{"sku": "a"}, {"sku": "b", "count": 2}], "gift/wrap": true, "class": "express", "byShelf": {"s": [{"sku": "c"}]},
 "payment": {"kind": "cash"}, "address": null, "self": "x", "unknown": 1}'''


def place(data: PlaceOrderData) -> PlaceOrderResult:
    print(data.item)  # error: attr-defined
    data.self_ = "y"  # error: misc
    return PlaceOrderResult(id=len(data.items), warnings=[PlaceOrderResultWarningsItem(text=data.items[0].sku)])


def refuse() -> PlaceOrderResult:
    return PlaceOrderResult(pages=1)  # error: call-arg


if __name__ == "__main__":
    data = PlaceOrderData.from_json(json.loads(TEXT))
    assert data.items == [Item(sku="a"), Item(sku="b", count=2)], data
    assert data.byShelf["s"][0].count == 1 and data.address is None and data.extra is None, data
    assert data.class_ == "express" and data.gift_wrap is True and data.self_ == "x", data
    print(json.dumps(data.to_json()))
`;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bullmq-bridge-types-'));
  const wired = (...contracts: QueueContract[]) =>
    new Map(contracts.map((contract) => [contract.name, wireJobs(contract)]));
  const all = wired(orders, shapes, fileProcessing);
  await writeFile(join(folder, 'payloads.py'), renderPythonModule(all, 'TypedDict'));
  await writeFile(join(folder, 'dataclass_payloads.py'), renderPythonModule(all, 'dataclass'));
  await writeFile(join(folder, 'typed_dicts.py'), TYPED_DICTS);
  await writeFile(join(folder, 'dataclasses_used.py'), DATACLASSES);
});

afterAll(() => rm(folder, { recursive: true }));

const python = (...args: string[]) => execa(PYTHON, args, { cwd: folder, reject: false, all: true });

/** The lines of a program that say what a type checker has to say of them: `line code`. */
function expectedErrors(program: string): string[] {
  const lines = program.split('\n').map((line, index) => [index + 1, /# error: ([\w-]+)$/.exec(line)?.[1]]);
  return lines.filter(([, code]) => code !== undefined).map(([line, code]) => `${line} ${code}`);
}

describe('the Python types', () => {
  it('are accepted by mypy --strict, which finds wrong keys, values and results in what uses them', async () => {
    const files = ['payloads.py', 'dataclass_payloads.py', 'typed_dicts.py', 'dataclasses_used.py'];
    const { all } = await python('-m', 'mypy', '--strict', '--python-version', '3.10', '--no-error-summary', ...files);
    const errors = [...String(all).matchAll(/^(\w+\.py):(\d+): error: .*\[([\w-]+)\]$/gm)];
    const found = errors.map(([, file, line, code]) => `${file}:${line} ${code}`);
    const expected = [
      ...expectedErrors(TYPED_DICTS).map((error) => `typed_dicts.py:${error}`),
      ...expectedErrors(DATACLASSES).map((error) => `dataclasses_used.py:${error}`),
    ];
    expect(found.sort(), String(all)).toEqual(expected.sort());
  });

  it('as dataclasses read JSON and write it back', async () => {
    const { stdout, exitCode, all } = await python('dataclasses_used.py');
    expect(exitCode, String(all)).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      items: [
        { sku: 'a', count: 1 },
        { sku: 'b', count: 2 },
      ],
      'gift/wrap': true,
      class: 'express',
      byShelf: { s: [{ sku: 'c', count: 1 }] },
      payment: { kind: 'cash' },
      address: null,
      tags: [],
      self: 'x',
    });
  });

  it('are imported by the Python that the library supports', async () => {
    const { exitCode, all } = await python('-W', 'error', '-c', 'import payloads, dataclass_payloads');
    expect(exitCode, String(all)).toBe(0);
  });
});
