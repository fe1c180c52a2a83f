"""JSON that means the same to JavaScript and Python.

Stricter than the standard library: no NaN or Infinity, no integer that JavaScript would round, no text that UTF-8
cannot carry, text keys only and none named ``__proto__``, at most ``MAX_DEPTH`` levels, and nothing that would have to
be converted silently.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

#: Deepest nesting of lists and objects that both languages read; the same limit holds in TypeScript.
MAX_DEPTH = 200
MAX_SAFE_INTEGER = 2**53 - 1


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
    if number in _INFINITE:
        raise NotPortable(f"the number {text[:20]} is too large")
    return number


_INFINITE = (float("inf"), float("-inf"))
# Made once: the module's own functions make a new one at each call that has options.
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_WHITE_SPACE = " \t\n\r"
# Text without any of these has no lone surrogate, no such key and no integer beyond 2^53.
_SUSPECT = re.compile(rb"\\u|__proto__|[0-9]{16}")


def loads(text: bytes) -> Any:
    """Parses JSON text.

    Raises:
        NotPortable: it is not JSON, or JSON that JavaScript and Python do not read the same.
    """
    try:
        # Strict UTF-8 first: the standard library would let encoded surrogates through.
        value = _parse(text.decode("utf-8"))
    except NotPortable:
        raise
    except RecursionError:
        raise NotPortable(_TOO_DEEP) from None
    except ValueError as error:
        raise NotPortable(f"not valid JSON ({error})") from None
    if _SUSPECT.search(text) or text.count(b"[") + text.count(b"{") > MAX_DEPTH:
        _check(value)
    return value


def _parse(text: str) -> Any:
    # In half the time of ``decode``, which is left to refuse what follows the value.
    text = text.strip(_WHITE_SPACE)
    value, end = _DECODER.raw_decode(text)
    return value if end == len(text) else _DECODER.decode(text)


def dumps(value: Any) -> bytes:
    """JSON text of a value made of dict, list, tuple, str, int, float, bool and None, in UTF-8.

    Raises:
        NotPortable: anything else is in it; the path says where.
    """
    if value is None:
        return b"null"
    _check(value)
    return _ENCODER.encode(value).encode("utf-8")


_TOO_DEEP = f"nested more than {MAX_DEPTH} levels deep"


def _check(root: Any) -> None:
    """Refuses the first thing in a value that is not portable. Goes level by level: no recursion to run out of."""
    level: list[tuple[str, Any]] = [("", root)]
    for _ in range(MAX_DEPTH + 1):
        inner: list[tuple[str, Any]] = []
        for path, value in level:
            if isinstance(value, dict):
                for key, item in value.items():
                    _check_key(key, path)
                    inner.append((f"{path}/{key.replace('~', '~0').replace('/', '~1')}", item))
            elif isinstance(value, (list, tuple)):
                inner.extend((f"{path}/{index}", item) for index, item in enumerate(value))
            elif reason := _fault(value):
                raise NotPortable(reason, path)
        if not inner:
            return
        level = inner
    raise NotPortable(_TOO_DEEP, level[0][0][:200])


def _check_key(key: Any, path: str) -> None:
    if not isinstance(key, str):
        raise NotPortable(f"a key is {type(key).__name__}, JSON has only text keys", path)
    if not _is_utf8(key):
        raise NotPortable("a key with half of a surrogate pair, which UTF-8 cannot carry", path)
    if key == "__proto__":
        raise NotPortable("the key __proto__ does not mean the same in both languages", path)


def _fault(value: Any) -> str | None:
    if isinstance(value, str):
        return None if _is_utf8(value) else "text with half of a surrogate pair, which UTF-8 cannot carry"
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int):
        return None if _is_double(value) else "JavaScript cannot hold this integer: send it as text"
    if isinstance(value, float):
        return f"{value} is not JSON" if value != value or value in _INFINITE else None
    kind = type(value).__name__
    return f"a value of type {kind} is not JSON: return dict, list, str, int, float, bool or None"


def _is_double(number: int) -> bool:
    """Whether JavaScript reads this integer as itself, or writes the double that it reads with these very digits."""
    if -MAX_SAFE_INTEGER <= number <= MAX_SAFE_INTEGER:
        return True
    try:
        double = float(number)
    except OverflowError:
        return False
    return number in (int(double), int(Decimal(repr(double))))


def _is_utf8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
