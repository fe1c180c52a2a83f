import json
import logging

import pytest

from bullmq_bridge.contract.contract import ContractViolation, Gate
from bullmq_bridge.contract.fault import black_out
from bullmq_bridge.outcome import FailureKind, refused

SCHEMA = {
    "type": "object",
    "properties": {
        "to": {"type": "string", "maxLength": 5},
        "password": {"type": "string", "minLength": 30, "secret": True},
        "keys": {"type": "object", "additionalProperties": {"type": "string"}, "secret": True},
        "cards": {"type": "array", "items": {"$ref": "#/$defs/card"}},
        "either": {"anyOf": [{"type": "null"}, {"type": "object", "properties": {"pin": {"$ref": "#/$defs/pin"}}}]},
    },
    "required": ["to"],
    "$defs": {"card": {"type": "integer", "secret": True}, "pin": {"type": "integer", "secret": True}},
}


def violation(value: object) -> ContractViolation:
    with pytest.raises(ContractViolation) as caught:
        Gate("data of job 'pay'", SCHEMA).encode(value)
    return caught.value


def test_a_fault_has_pointer_rule_reason_and_the_kind_of_value() -> None:
    (fault,) = violation({"to": "somebody"}).faults
    assert fault == ("/to", "the value is longer than 5 characters", "maxLength", "text of 8 characters")


@pytest.mark.parametrize(
    ("value", "rule", "kind"),
    [
        ({}, "required", "nothing"),
        ({"to": None}, "type", "null"),
        ({"to": True}, "type", "boolean"),
        ({"to": 1.5}, "type", "number"),
        ({"to": [1]}, "type", "list of 1 items"),
        ({"to": {"a": 1}}, "type", "object of 1 fields"),
        ({"to": b"x"}, "portable", "bytes"),
    ],
)
def test_the_kind_of_every_value_is_told(value: object, rule: str, kind: str) -> None:
    (fault,) = violation(value).faults
    assert (fault.path, fault.rule, fault.value) == ("/to", rule, kind)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"to": "a", "password": "hunter2"}, "/password"),
        ({"to": "a", "password": ["hunter2"]}, "/password"),
        ({"to": "a", "password": "hunter2\ud800"}, "/password"),
        ({"to": "a", "password": {"hunter2": object()}}, "/password"),
        ({"to": "a", "keys": {"hunter2": 1}}, "/keys"),
        ({"to": "a", "keys": {"a": {"hunter2": float("nan")}}}, "/keys"),
        ({"to": "a", "cards": [1, "hunter2"]}, "/cards/1"),
        ({"to": "a", "cards": [1, "hunter2\ud800"]}, "/cards/1"),
        ({"to": "a", "either": {"pin": "hunter2\ud800"}}, "/either/pin"),
    ],
)
def test_nothing_of_a_secret_field_is_told_but_its_place(value: object, path: str) -> None:
    error = violation(value)
    (fault,) = error.faults
    assert (fault.path, fault.value) == (path, "secret")
    record = refused(FailureKind.CONTRACT_VIOLATION, str(error), error.paths).record(1)
    assert "hunter2" not in f"{error}{error.faults}{error!r}{record}"


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "propertyNames": {"minLength": 12, "secret": True}},
        {"type": "object", "propertyNames": {"$ref": "#/$defs/key"}, "additionalProperties": {"type": "integer"}},
    ],
)
@pytest.mark.parametrize("record", [{"hunter2": 1}, {"hunter2hunter2": "x", "hunter2": 1}, {"hunter2": float("nan")}])
def test_a_record_with_secret_keys_is_secret_as_a_whole(schema: dict[str, object], record: dict[str, object]) -> None:
    key = {"minLength": 12, "secret": True}
    gate = Gate("data", {"type": "object", "properties": {"by": schema}, "$defs": {"key": key}})
    with pytest.raises(ContractViolation) as caught:
        gate.encode({"by": record})
    assert {fault.path for fault in caught.value.faults} == {"/by"}
    assert "hunter2" not in f"{caught.value}{caught.value.faults}"
    assert gate.secrets({"by": {"hunter2": "x", "a": 1}}) == {"hunter2", "a", "x", "1"}


@pytest.mark.parametrize("secret", ["plain", 'qu"ote\\', "line\nline", "it's a\ttab", "pässwörd😀", "both\"'"])
def test_a_secret_is_blacked_out_however_it_is_written(secret: str) -> None:
    value = {"to": "a", "password": secret, "either": {"pin": 123456}}
    for text in (secret, repr(value), json.dumps(value), json.dumps(value, ensure_ascii=False), f"{secret!r} {{}}"):
        shown = black_out(f"cannot use {text}", Gate("data", SCHEMA).secrets(value))
        assert "[secret]" in shown
        for form in (secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], "123456"):
            assert form not in shown


def test_text_that_is_no_json_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    for text in (b'{"password":"hunter2', b'{"password":12345e999}', b'{"password":\xffhunter2}', b'{"to":NaN}'):
        with pytest.raises(ContractViolation) as caught, caplog.at_level(logging.DEBUG):
            Gate("data", SCHEMA).decode(text)
        assert "hunter2" not in f"{caught.value}{caught.value.faults}"
        assert "12345" not in str(caught.value)
    assert caplog.text == ""


def test_text_that_is_too_long_is_refused_on_either_way() -> None:
    gate = Gate("data of job 'pay'", max_bytes=10)
    assert gate.decode(b'"12345678"') == "12345678"
    for pass_through, payload in ((gate.decode, b'"123456789"'), (gate.encode, "ü" * 5)):
        with pytest.raises(
            ContractViolation, match=r"data of job 'pay'.*/: 1[12] bytes are more than the 10"
        ) as caught:
            pass_through(payload)
        assert caught.value.faults[0].rule == "size"


def test_a_record_of_the_schema_called_secret_marks_nothing() -> None:
    gate = Gate("data", {"type": "object", "properties": {"secret": {"type": "integer"}}})
    with pytest.raises(ContractViolation, match=r"/secret: .*integer.*\(text of 1 characters\)"):
        gate.decode(json.dumps({"secret": "x"}).encode())
