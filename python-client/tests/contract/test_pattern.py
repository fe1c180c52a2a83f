import json
from typing import Any

import pytest

from bullmq_bridge.contract.contract import ContractViolation, Gate
from bullmq_bridge.contract.pattern import for_rust

BASE64 = r"^$(?!\n)|^(?:[0-9a-zA-Z+/]{4})*(?:(?:[0-9a-zA-Z+/]{2}==)|(?:[0-9a-zA-Z+/]{3}=))?$(?!\n)"


def passes(schema: dict[str, Any], value: object) -> bool:
    try:
        Gate("data", schema).decode(json.dumps(value).encode())
    except ContractViolation:
        return False
    return True


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"\.$(?!\n)", "a" * 1500 + "\nend."),
        (r"(?:[^\n]|\n)*\.$(?!\n)", "a" * 1500 + "\nend."),
        (r"[0-9]+x$(?!\n)", "1" * 2000 + " 1x"),
        (r"^[a-z]*$(?!\n)", "abcd" * 2_000_000),
        (BASE64, "QUJD" * 2_000_000),
    ],
)
def test_a_text_that_matches_passes_however_long_it_is(pattern: str, text: str) -> None:
    assert passes({"type": "string", "pattern": pattern}, text)


def test_a_pattern_that_looks_ahead_passes_texts_that_take_a_million_steps() -> None:
    assert passes({"type": "string", "pattern": "[0-9]+x(?![0-9])"}, "1" * 2000 + " 1x")
    assert passes({"type": "string", "pattern": r"^(?=[a-z])[a-z]*$(?!\n)"}, "abcd" * 2_000_000)


@pytest.mark.parametrize("pattern", [r"^[a-z]*$(?!\n)", r"^(?=[a-z])[a-z]*$(?!\n)", r"^(?:[a-z]$(?!\n)|[a-z])*$(?!\n)"])
def test_a_text_does_not_end_before_its_last_newline(pattern: str) -> None:
    assert passes({"type": "string", "pattern": pattern}, "abcd")
    assert not passes({"type": "string", "pattern": pattern}, "abcd\n")
    assert not passes({"type": "object", "patternProperties": {pattern: {"type": "null"}}}, {"abcd": 1})
    assert passes({"type": "object", "patternProperties": {pattern: {"type": "null"}}}, {"abcd\n": 1})


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"^\$(?!\n)", "$"),
        (r"^\\$(?!\n)", "\\"),
        (r"^[\^$(?!\n)]$(?!\n)", "!"),
        (r"^[\]$(?!\n)]$(?!\n)", "!"),
    ],
)
def test_a_dollar_that_is_a_character_stays_one(pattern: str, text: str) -> None:
    assert passes({"type": "string", "pattern": pattern}, text)
    assert not passes({"type": "string", "pattern": pattern}, f"{text}\n")


def test_only_patterns_are_rewritten() -> None:
    end = {"pattern": r"a$(?!\n)", "patternProperties": {r"a$(?!\n)": {"type": "null"}}}
    written = {"pattern": "a$", "patternProperties": {"a$": {"type": "null"}}}
    kept = {"const": end, "enum": [end], "default": end, "examples": [end], "description": r"$(?!\n)"}
    assert for_rust(kept) == kept
    names = {"const": end, "pattern": end, r"$(?!\n)": end, "required": end}
    assert for_rust({"properties": names}) == {
        "properties": dict.fromkeys(("const", "pattern", r"$(?!\n)", "required"), written)
    }
    assert for_rust({"properties": {"enum": {"enum": [r"$(?!\n)"]}}}) == {
        "properties": {"enum": {"enum": [r"$(?!\n)"]}}
    }


def test_patterns_are_rewritten_wherever_a_schema_may_stand() -> None:
    end, written = {"pattern": r"a$(?!\n)"}, {"pattern": "a$"}
    for keyword in ("additionalProperties", "items", "not", "propertyNames"):
        assert for_rust({keyword: end}) == {keyword: written}
        assert for_rust({keyword: False}) == {keyword: False}
    for keyword in ("allOf", "anyOf", "oneOf", "prefixItems"):
        assert for_rust({keyword: [end, True]}) == {keyword: [written, True]}
    for keyword in ("$defs", "definitions", "properties", "patternProperties"):
        assert for_rust({keyword: {"a": end}}) == {keyword: {"a": written}}
