import datetime
import decimal

import pytest

from bullmq_bridge.contract.portable_json import NotPortable, dumps, loads


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"a":[1,2.5,null,true,"\xc3\xbc"]}', {"a": [1, 2.5, None, True, "ü"]}),
        (b'"\\ud83d\\ude00"', "😀"),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b'{"__proto__":1}', {"__proto__": 1}),
        (b"9007199254740993", 9007199254740993),
    ],
)
def test_json_is_read(text: bytes, value: object) -> None:
    assert loads(text) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"\xff", "not valid JSON"),
        (b"NaN", "NaN"),
        (b"[-Infinity]", "-Infinity"),
        (b"[1e400]", "too large"),
        (b'"\\ud83d"', "lone surrogate"),
        (b'{"\\uDE00":1}', "lone surrogate"),
        (b'"\xed\xa0\x80"', "not valid JSON"),
        (b"1" * 5000, "not valid JSON"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_not_json_for_both_languages_is_refused(text: bytes, reason: str) -> None:
    with pytest.raises(NotPortable, match=reason):
        loads(text)


def test_json_is_written_compact_and_in_utf_8() -> None:
    assert dumps({"ü": [1, 2.5, None, True, ("😀",)]}) == '{"ü":[1,2.5,null,true,["😀"]]}'.encode()


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"a": [float("nan")]}, "/a/0"),
        ({"a": {"b": {1, 2}}}, "/a/b"),
        ({"a/b": {"~": datetime.date(2026, 1, 1)}}, "/a~1b/~0"),
        ([b"bytes"], "/0"),
        ({"d": decimal.Decimal("1.5")}, "/d"),
        ({"s": "\ud83d"}, "/s"),
    ],
)
def test_what_is_not_json_is_refused_with_its_path(value: object, path: str) -> None:
    with pytest.raises(NotPortable) as caught:
        dumps(value)
    assert caught.value.path == path
