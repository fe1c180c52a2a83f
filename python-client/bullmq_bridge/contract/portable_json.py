"""JSON that means the same to JavaScript and Python.

Stricter than the standard library: no NaN or Infinity, no integer that JavaScript would round, no text that UTF-8
cannot carry, text keys only and none named ``__proto__``, at most ``MAX_DEPTH`` levels, and nothing that would have to
be converted silently.
"""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from typing import Any

import orjson

#: Deepest nesting of lists and objects that both languages read; the same limit holds in TypeScript.
MAX_DEPTH = 200
MAX_SAFE_INTEGER = 2**53 - 1


class NotPortable(ValueError):
    """The text or value is not JSON that both languages read the same.

    Attributes:
        reason: what is wrong; holds nothing of the text or value.
        path: JSON pointer.
        payload: the whole value, where there is one.
    """

    def __init__(self, reason: str, path: str = "", payload: Any = None) -> None:
        super().__init__(f"{path or '/'}: {reason}")
        self.reason = reason
        self.path = path
        self.payload = payload


def _refuse_constant(name: str) -> Any:
    raise NotPortable(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if -_LARGEST <= number <= _LARGEST:
        return number
    raise NotPortable("a number is too large")


_LARGEST = sys.float_info.max
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)
# Text turned by this table has a run of sixteen zeros where it may have an integer beyond 2^53.
_DIGITS_TO_ZERO = bytes(ord("0") if chr(byte).isdigit() and byte < 128 else byte for byte in range(256))
_SIXTEEN_DIGITS = b"0" * 16


def loads(text: bytes) -> Any:
    """Parses JSON text.

    Raises:
        NotPortable: it is not JSON, or JSON that JavaScript and Python do not read the same.
    """
    if not _is_suspect(text):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            # What is wrong, the standard library says by its parts.
            pass
    try:
        # Strict UTF-8: the standard library would let encoded surrogates through.
        value = _DECODER.decode(text.decode("utf-8"))
    except NotPortable:
        raise
    except RecursionError:
        raise NotPortable(_TOO_DEEP) from None
    except ValueError as error:
        raise NotPortable(f"not valid JSON ({error})") from None
    _check(value)
    return value


def _is_suspect(text: bytes) -> bool:
    """Whether JSON may hold something that is not portable: asked of the bytes, which is cheaper than a walk.

    Lone surrogates, and the letters of ``__proto__``, are written as escapes or as they are.
    """
    return (
        (b"\\" in text and b"\\u" in text)
        or b"__proto__" in text
        or _SIXTEEN_DIGITS in text.translate(_DIGITS_TO_ZERO)
        or (len(text) > 2 * MAX_DEPTH and text.count(b"[") + text.count(b"{") > MAX_DEPTH)
    )


def dumps(value: Any) -> bytes:
    """JSON text of a value made of dict, list, tuple, str, int, float, bool and None, in UTF-8.

    Raises:
        NotPortable: anything else is in it; the path says where.
    """
    try:
        if _is_plain(value, 0):
            return orjson.dumps(value)
    except orjson.JSONEncodeError:
        # Half of a surrogate pair.
        pass
    _check(value)
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")


_TOO_DEEP = f"nested more than {MAX_DEPTH} levels deep"
#: Types that need no look at the value; half of a surrogate pair shows when a text is encoded.
_LEAVES = frozenset({str, bool, type(None)})


def _is_plain(value: Any, depth: int) -> bool:
    """Whether a value is made of the very types of JSON. What is wrong with another, the slower ``_check`` says."""
    kind = type(value)
    if kind is dict:
        for key in value:
            if type(key) is not str or key == "__proto__":
                return False
        parts = value.values()
    elif kind is list:
        parts = value
    else:
        return kind in _LEAVES or _is_plain_number(kind, value)
    if depth == MAX_DEPTH:
        return not parts
    for part in parts:
        kind = type(part)
        if kind in _LEAVES:
            continue
        if kind is int or kind is float:
            if not _is_plain_number(kind, part):
                return False
        elif not _is_plain(part, depth + 1):
            return False
    return True


def _is_plain_number(kind: type, value: Any) -> bool:
    if kind is int:
        return bool(-MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER)
    return kind is float and -_LARGEST <= value <= _LARGEST


def _check(root: Any) -> None:
    """Refuses the first thing in a value that is not portable. A stack of its own: no recursion to run out of."""
    left: list[tuple[str, Any, int]] = [("", root, 0)]
    while left:
        path, value, depth = left.pop()
        if depth > MAX_DEPTH:
            raise NotPortable(_TOO_DEEP, path[:200], root)
        inner: list[tuple[str, Any, int]] = []
        if isinstance(value, dict):
            for key, item in value.items():
                _check_key(key, path)
                inner.append((f"{path}/{key.replace('~', '~0').replace('/', '~1')}", item, depth + 1))
        elif isinstance(value, (list, tuple)):
            inner.extend((f"{path}/{index}", item, depth + 1) for index, item in enumerate(value))
        elif reason := _fault(value):
            raise NotPortable(reason, path, root)
        left.extend(reversed(inner))


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
        return f"{value} is not JSON" if not -_LARGEST <= value <= _LARGEST else None
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
