import pytest
from redis.exceptions import NoScriptError, ResponseError

from bullmq_bridge.protocol.bundle import Script
from bullmq_bridge.protocol.exchange import ScriptCall, ask, pairs, read_together, run, tell, transaction

from .conversation import play

FIRST = Script("first", 1, "1" * 40, "return 1", "first-1")
SECOND = Script("second", 1, "2" * 40, "return 2", "second-1")


def call(script: Script, argument: str = "a") -> ScriptCall:
    return ScriptCall(script, ("key",), (argument,))


def test_a_script_is_called_by_its_sha1_with_the_number_of_its_keys() -> None:
    result, (exchange,) = play(run(call(FIRST)), [b"id"])
    assert result == b"id"
    assert exchange.commands == [("EVALSHA", "1" * 40, 1, "key", "a")]


def test_a_script_that_the_server_lacks_is_loaded_and_called_again() -> None:
    result, (_, again) = play(run(call(FIRST)), [NoScriptError()], [b"1" * 40, b"id"])
    assert result == b"id"
    assert again.commands == [("SCRIPT", "LOAD", "return 1"), ("EVALSHA", "1" * 40, 1, "key", "a")]


def test_what_changes_something_is_not_to_be_repeated_and_what_reads_may_be() -> None:
    for steps, repeatable in (
        (run(call(FIRST)), False),
        (run(call(FIRST), reads=True), True),
        (tell(("DEL", "key")), False),
        (ask(("GET", "key")), True),
        (read_together([("GET", "key")]), True),
        (transaction([call(FIRST)]), False),
    ):
        assert next(steps).repeatable is repeatable


def test_a_transaction_loads_each_of_its_scripts_once_inside_itself() -> None:
    replies = [b"OK", *[b"QUEUED"] * 5, [b"sha", b"sha", b"a", b"b", b"c"]]
    results, (exchange,) = play(transaction([call(FIRST), call(SECOND), call(FIRST)]), replies)
    assert results == [b"a", b"b", b"c"]
    assert [command[0] for command in exchange.commands] == [
        "MULTI",
        *["SCRIPT"] * 2,
        *["EVALSHA"] * 3,
        "EXEC",
    ]


def test_a_transaction_says_why_redis_refused_it_not_that_it_did() -> None:
    replies = [b"OK", b"QUEUED", ResponseError("OOM command not allowed"), ResponseError("EXECABORT")]
    with pytest.raises(ResponseError, match="OOM"):
        play(transaction([call(FIRST)]), replies)


def test_a_script_that_fails_in_a_transaction_is_an_error() -> None:
    replies = [b"OK", b"QUEUED", b"QUEUED", [b"sha", ResponseError("WRONGTYPE")]]
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        play(transaction([call(FIRST)]), replies)


def test_reads_in_one_write_are_all_sent_again_when_a_script_was_missing() -> None:
    steps = read_together([call(FIRST), ("GET", "key")])
    results, (_, again) = play(steps, [NoScriptError(), b"old"], [b"sha", b"state", b"new"])
    assert results == [b"state", b"new"]
    assert [command[0] for command in again.commands] == ["SCRIPT", "EVALSHA", "GET"]


def test_a_hash_is_read_as_a_list_and_as_a_map() -> None:
    assert pairs([b"a", b"1", b"b", b"2"]) == pairs({b"a": b"1", b"b": b"2"}) == {b"a": b"1", b"b": b"2"}
