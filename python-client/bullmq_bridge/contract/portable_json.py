"""JSON that means the same to JavaScript and Python.

Stricter than the standard library: no NaN or Infinity, no number that only overflows to one, no text that UTF-8
cannot carry, string keys only, and nothing that would have to be converted silently.
"""

from __future__ import annotations

import json
from typing import Any


class NotPortable(ValueError):
    """The text or value is not JSON that both languages read the same. ``path`` is a JSON pointer."""

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(f"{path or '/'}: {reason}")
        self.reason = reason
        self.path = path


def _refuse_constant(name: str) -> Any:
    raise NotPortable(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise NotPortable(f"the number {text} is too large")
    return number


# Made once: the module's own functions make a new one at each call that has options.
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def loads(text: bytes) -> Any:
    """Parses JSON text.

    Raises:
        NotPortable: it is not JSON, or JSON that JavaScript and Python do not read the same.
    """
    try:
        # Strict UTF-8 first: the standard library would let encoded surrogates through.
        value = _DECODER.decode(text.decode("utf-8"))
        if b"\\ud" in text or b"\\uD" in text:
            _encode(value)
    except NotPortable:
        raise
    except RecursionError:
        raise NotPortable("nested too deeply") from None
    except UnicodeEncodeError:
        raise NotPortable("text with a lone surrogate, which UTF-8 cannot carry") from None
    except ValueError as error:
        raise NotPortable(f"not valid JSON ({error})") from None
    return value


def dumps(value: Any) -> bytes:
    """JSON text of a value made of dict, list, tuple, str, int, float, bool and None, in UTF-8.

    Raises:
        NotPortable: anything else is in it; the path says where.
    """
    try:
        text = _encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise _locate(value, error) from None
    return text


def _encode(value: Any) -> bytes:
    return _ENCODER.encode(value).encode("utf-8")


def _locate(value: Any, error: Exception) -> NotPortable:
    if isinstance(error, RecursionError):
        return NotPortable("nested too deeply")
    found = _first_fault(value, "")
    return found or NotPortable(str(error))


def _first_fault(value: Any, path: str) -> NotPortable | None:
    if isinstance(value, str):
        return None if _is_utf8(value) else NotPortable("text with a lone surrogate, which UTF-8 cannot carry", path)
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return NotPortable(f"{value} is not JSON", path)
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                return NotPortable(f"a key is {type(key).__name__}, JSON has only text keys", path)
            if not _is_utf8(key):
                return NotPortable("a key with a lone surrogate, which UTF-8 cannot carry", path)
            if fault := _first_fault(item, f"{path}/{key.replace('~', '~0').replace('/', '~1')}"):
                return fault
        return None
    if isinstance(value, (list, tuple)):
        faults = (_first_fault(item, f"{path}/{index}") for index, item in enumerate(value))
        return next((fault for fault in faults if fault), None)
    if value is None or isinstance(value, (bool, int, float)):
        return None
    return NotPortable(f"a {type(value).__name__} is not JSON: return dict, list, str, int, float, bool or None", path)


def _is_utf8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
