"""Regular expressions of a schema, as the engine behind the gates takes them fastest."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

# An escape, a class, or the end of the text. In the first two, a dollar is a character.
_PARTS = re.compile(r"\\.|\[(?:\\.|[^\\\]])*\]|\$\(\?!\\n\)", re.DOTALL)
_END = r"$(?!\n)"

#: Keywords whose value is a schema, a list of schemas, or schemas by name; whatever else stands there is data.
_SCHEMAS = frozenset(
    {"additionalProperties", "allOf", "anyOf", "contains", "else", "if", "items", "not", "oneOf", "prefixItems"}
    | {"propertyNames", "then", "unevaluatedItems", "unevaluatedProperties"}
)
_SCHEMAS_BY_NAME = frozenset({"$defs", "definitions", "dependentSchemas", "properties"})


def for_rust(schema: Mapping[str, Any]) -> dict[str, Any]:
    r"""A schema whose patterns look ahead only where their author does.

    ``emit`` writes the end of a text as ``$(?!\n)``, because Python's ``$`` also matches before a final newline. Rust's
    does not, and without the look-ahead its engine needs no trial and error: its time grows with the text, and there is
    no limit to what it takes.
    """
    return {keyword: _part(keyword, value) for keyword, value in schema.items()}


def _part(keyword: str, value: Any) -> Any:
    if keyword == "pattern" and isinstance(value, str):
        return _without_look_ahead(value)
    if keyword == "patternProperties" and isinstance(value, dict):
        return {_without_look_ahead(pattern): _schemas(part) for pattern, part in value.items()}
    if keyword in _SCHEMAS_BY_NAME and isinstance(value, dict):
        return {name: _schemas(part) for name, part in value.items()}
    return _schemas(value) if keyword in _SCHEMAS else value


def _schemas(value: Any) -> Any:
    if isinstance(value, dict):
        return for_rust(value)
    return [_schemas(part) for part in value] if isinstance(value, list) else value


def _without_look_ahead(pattern: str) -> str:
    return _PARTS.sub(lambda part: "$" if part[0] == _END else part[0], pattern)
