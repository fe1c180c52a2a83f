import datetime
import decimal
import enum
import http

import pytest

from bullmq_bridge.contract.portable_json import NotPortable, dumps, loads


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"a":[1,2.5,null,true,"\xc3\xbc"]}', {"a": [1, 2.5, None, True, "ü"]}),
        (b'"\\ud83d\\ude00"', "😀"),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b"[9007199254740991,1152921504606846976]", [2**53 - 1, 2**60]),
        (b"[1152921504606847000]", [1152921504606847000]),  # 2^60 as JavaScript writes it
        (b"[" * 200 + b"]" * 200, None),
    ],
)
def test_json_is_read(text: bytes, value: object) -> None:
    assert loads(text) == value or value is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"\xff", "not valid JSON"),
        (b"NaN", "NaN"),
        (b"[-Infinity]", "-Infinity"),
        (b"[1e400]", "too large"),
        (b'"\\ud83d"', "surrogate pair"),
        (b'{"\\uDE00":1}', "surrogate pair"),
        (b'{"a":{"__proto__":1}}', "__proto__"),
        (b'{"\\u005f_proto__":1}', "__proto__"),
        (b"9007199254740993", "cannot hold this integer"),
        (b"1" * 400, "cannot hold this integer"),
        (b'"\xed\xa0\x80"', "not valid JSON"),
        (b"1" * 5000, "not valid JSON"),
        (b"[" * 100_000 + b"]" * 100_000, "200 levels"),
        (b"[" * 202 + b"]" * 202, "200 levels"),
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
        ({"n": [2**53 + 1]}, "/n/0"),
        ({"n": 10**400}, "/n"),
        ({"k": {1: 2}}, "/k"),
        ({"k": {"__proto__": 2}}, "/k"),
    ],
)
def test_what_is_not_json_is_refused_with_its_path(value: object, path: str) -> None:
    with pytest.raises(NotPortable) as caught:
        dumps(value)
    assert caught.value.path == path


def nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


def test_two_hundred_levels_are_written_and_no_more() -> None:
    assert dumps(nested(200)).count(b"[") == 200
    for value in (nested(201), nested(5_000), {"a": nested(200)}):
        with pytest.raises(NotPortable, match="200 levels"):
            dumps(value)


def test_a_value_that_holds_itself_is_refused_as_too_deep() -> None:
    circle: list[object] = []
    circle.extend([circle, {"again": circle}])
    with pytest.raises(NotPortable, match="200 levels"):
        dumps(circle)


class Colour(str, enum.Enum):
    RED = "red"


def test_subclasses_of_the_types_of_json_are_written_as_these() -> None:
    assert dumps({Colour.RED: [Colour.RED, (http.HTTPStatus.OK, True)]}) == b'{"red":["red",[200,true]]}'
