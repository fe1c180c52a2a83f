"""What is wrong with a payload, told without its values: they may be personal or secret."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

SECRET = "secret"
"""Stands for a value that the contract marks ``.meta({ secret: true })``, and for all that is inside of it."""

#: Anything shorter is found in texts that have nothing to do with it.
SHORTEST_SECRET = 4


class Fault(NamedTuple):
    """One place where a payload breaks its contract.

    Attributes:
        path: JSON pointer; empty for the payload itself. It ends at a field that is marked secret.
        reason: what is wrong there.
        rule: the keyword of the schema that is broken; ``portable`` or ``size`` for what no schema says.
        value: what kind of value is there, such as ``text of 12 characters``; never the value.
    """

    path: str
    reason: str
    rule: str = ""
    value: str = ""

    def __str__(self) -> str:
        return f"{self.path or '/'}: {self.reason}" + (f" ({self.value})" if self.value else "")


class Faults:
    """Writes the faults of payloads of one schema."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema
        self._has_secrets = _marks_secrets(schema)

    def fault(self, path: Sequence[str | int], reason: str, rule: str, payload: Any) -> Fault:
        """The fault at a path of the payload."""
        depth = self._secret_depth(path) if self._has_secrets else None
        if depth is not None:
            return Fault(pointer(path[:depth]), f"breaks {rule!r}", rule, SECRET)
        return Fault(pointer(path), reason, rule, kind(value_at(payload, path)))

    def secrets(self, payload: Any) -> frozenset[str]:
        """The texts and numbers that the payload has in secret fields, as text."""
        return (
            frozenset(self._secrets(payload, [*self._same_place(self._schema)])) if self._has_secrets else frozenset()
        )

    def _secrets(self, part: Any, here: Sequence[Mapping[str, Any]], inside: bool = False) -> Iterator[str]:
        """The same of a part of it, of which the schemas ``here`` speak."""
        if not here and not inside:
            return
        inside = inside or any(map(self._is_secret, here))
        if isinstance(part, dict):
            if any(map(self._has_secret_keys, here)):
                yield from part
            for key, item in part.items():
                yield from self._secrets(item, self._step(here, key), inside)
        elif isinstance(part, list):
            for index, item in enumerate(part):
                yield from self._secrets(item, self._step(here, index), inside)
        elif inside and isinstance(part, (str, int, float)) and not isinstance(part, bool):
            yield str(part)

    def _secret_depth(self, path: Sequence[str | int]) -> int | None:
        """How many steps of a path lead to the first field that is secret, under any alternative of the schema."""
        here = list(self._same_place(self._schema))
        for depth in range(len(path) + 1):
            if any(map(self._is_secret, here)):
                return depth
            if depth < len(path):
                here = self._step(here, path[depth])
        return None

    def _step(self, here: Iterable[Mapping[str, Any]], step: str | int) -> list[Mapping[str, Any]]:
        """The schemas of what is one step below."""
        return [same for part in here for inner in _inside(part, step) for same in self._same_place(inner)]

    def _is_secret(self, schema: Mapping[str, Any]) -> bool:
        # The path of whatever is in a record tells a key of it.
        return schema.get("secret") is True or self._has_secret_keys(schema)

    def _has_secret_keys(self, schema: Mapping[str, Any]) -> bool:
        return any(keys.get("secret") is True for keys in self._same_place(schema.get("propertyNames")))

    def _same_place(self, schema: Any, seen: tuple[str, ...] = ()) -> Iterator[Mapping[str, Any]]:
        """A schema, and those that speak of the same value."""
        if not isinstance(schema, dict):
            return
        yield schema
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference not in seen:
            yield from self._same_place(self._resolve(reference), (*seen, reference))
        for keyword in ("allOf", "anyOf", "oneOf"):
            for part in schema.get(keyword, ()):
                yield from self._same_place(part, seen)

    def _resolve(self, reference: str) -> Any:
        part: Any = self._schema
        for step in reference.split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            part = part[int(name)] if isinstance(part, list) else part.get(name, {})
        return part


def black_out(text: str, secrets: Iterable[str]) -> str:
    """A text with ``[secret]`` in place of each of the secrets, also where it is written with escapes."""
    forms = {form for secret in secrets if len(secret) >= SHORTEST_SECRET for form in _forms(secret)}
    # The longest first: it may have another one inside.
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, f"[{SECRET}]")
    return text


def _forms(secret: str) -> Iterator[str]:
    """How messages of exceptions write a text: as it is, and as Python or JSON write what is inside of the quotes."""
    yield secret
    yield repr(secret)[1:-1]
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]


def pointer(path: Sequence[str | int]) -> str:
    """A path as JSON pointer."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def steps(text: str) -> list[str]:
    """The path that a JSON pointer stands for."""
    return [step.replace("~1", "/").replace("~0", "~") for step in text.split("/")[1:]]


def kind(value: Any) -> str:
    """What kind of value it is, and how large; never the value itself."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return f"text of {len(value)} characters"
    if isinstance(value, (list, tuple)):
        return f"list of {len(value)} items"
    if isinstance(value, dict):
        return f"object of {len(value)} fields"
    return "nothing" if value is ABSENT else type(value).__name__


ABSENT = object()


def value_at(payload: Any, path: Sequence[str | int]) -> Any:
    """What is at a path; ``ABSENT`` when nothing is."""
    for step in path:
        if isinstance(payload, dict):
            payload = payload.get(step, ABSENT)
        elif isinstance(payload, (list, tuple)) and str(step).isdecimal() and int(step) < len(payload):
            payload = payload[int(step)]
        else:
            return ABSENT
    return payload


def _inside(schema: Mapping[str, Any], step: str | int) -> Iterator[Any]:
    """The schemas of a part of what the schema describes."""
    name = str(step)
    properties = schema.get("properties", {})
    if name in properties:
        yield properties[name]
    for pattern, part in schema.get("patternProperties", {}).items():
        if re.search(pattern, name):
            yield part
    yield schema.get("additionalProperties")
    if name.isdecimal():
        prefix = schema.get("prefixItems", ())
        yield prefix[int(name)] if int(name) < len(prefix) else schema.get("items")


def _marks_secrets(part: Any) -> bool:
    if isinstance(part, dict):
        return part.get("secret") is True or any(map(_marks_secrets, part.values()))
    return isinstance(part, list) and any(map(_marks_secrets, part))
