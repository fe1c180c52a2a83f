"""JSON that somebody else wrote into Redis."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class NotJson:
    """A value that should be JSON and is not. ``text``: what is there."""

    text: str


def read_json(value: bytes | str | None, default: Any = None) -> Any:
    """The value that a JSON text stands for; ``NotJson`` when it stands for none, ``default`` when there is no text."""
    if value is None or value in {b"", ""}:
        return default
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return NotJson(value.decode("utf-8", "replace") if isinstance(value, bytes) else value)
