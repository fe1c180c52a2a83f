from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import hiredis
import pytest

from bullmq_bridge.directive import Cancel, Retry, TimeLimitExceeded, Unrecoverable
from bullmq_bridge.outcome import AwaitingChildren, Completed, FailureKind, Limited, Snoozed, outcome_of, refused
from bullmq_bridge.protocol.bundle import load_bundle
from bullmq_bridge.protocol.calls import ScriptCalls
from bullmq_bridge.protocol.job import JobRecord
from bullmq_bridge.protocol.keys import QueueKeys
from bullmq_bridge.protocol.options import WorkerOptions
from bullmq_bridge.worker.settlement import Settlement, settle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bullmq_bridge.protocol.command import Command

OPTIONS = WorkerOptions(max_started_attempts=3, backoffs={"twice": lambda attempt: attempt * 2, "never": lambda _: -1})
CALLS = ScriptCalls(QueueKeys("q"), load_bundle(), OPTIONS)


def job(opts: dict[str, Any], **fields: str) -> JobRecord:
    hash_ = {"name": "job", "data": "{}", "opts": json.dumps(opts), **fields}
    return JobRecord("1", {name.encode(): value.encode() for name, value in hash_.items()})


def settled(
    outcome: Any, attempts_made: int = 0, stacktrace: tuple[str, ...] = (), **opts: Any
) -> tuple[Command | bytes, Settlement]:
    record = job(opts, atm=str(attempts_made), stacktrace=json.dumps(stacktrace))
    return settle(CALLS, record, "token", outcome, fetch_next=True, now_ms=5)


def state(outcome: Any, attempts_made: int = 0, **opts: Any) -> str:
    return settled(outcome, attempts_made, **opts)[1].state


def arguments(command: Command | bytes) -> Sequence[object]:
    if not isinstance(command, bytes):
        return command
    reader = hiredis.Reader()
    reader.feed(command)
    return cast("list[bytes]", reader.gets())


def fields(outcome: Any, attempts_made: int = 0, stacktrace: tuple[str, ...] = (), **opts: Any) -> dict[str, str]:
    import msgpack

    for argument in arguments(settled(outcome, attempts_made, stacktrace, **opts)[0]):
        if isinstance(argument, bytes) and b"failedReason" in argument and len(argument) > len("failedReason"):
            flat = msgpack.unpackb(argument)
            return dict(zip(flat[::2], flat[1::2], strict=True))
    raise AssertionError("no packed fields in the command")


def test_a_result_completes_the_job() -> None:
    assert state(Completed(b"1")) == "completed"


@pytest.mark.parametrize(
    ("opts", "attempts_made", "where"),
    [
        ({}, 0, "failed"),
        ({"attempts": 1}, 0, "failed"),
        ({"attempts": 2}, 0, "wait"),
        ({"attempts": 2}, 1, "failed"),
        ({"attempts": 3, "backoff": {"type": "fixed", "delay": 10}}, 1, "delayed"),
        ({"attempts": 3, "backoff": {"type": "unknown"}}, 0, "failed"),
        ({"attempts": 3, "backoff": {"type": "twice"}}, 0, "delayed"),
        ({"attempts": 3, "backoff": {"type": "never"}}, 0, "failed"),
        ({"attempts": "3"}, 0, "failed"),
    ],
)
def test_a_failure_uses_the_attempts_that_are_left(opts: dict[str, Any], attempts_made: int, where: str) -> None:
    assert state(outcome_of(ValueError("x")), attempts_made, **opts) == where


def test_unrecoverable_and_refused_jobs_are_never_tried_again() -> None:
    assert state(outcome_of(Unrecoverable("no")), attempts=5) == "failed"
    assert state(refused(FailureKind.CONTRACT_VIOLATION, "bad"), attempts=5) == "failed"


def test_the_record_carries_kind_attempt_and_message() -> None:
    written = fields(outcome_of(ValueError("boom")), attempts_made=2, attempts=3)
    record = json.loads(written["bridgeFailure"])
    assert (record["kind"], record["type"], record["message"], record["attempt"]) == ("raised", "ValueError", "boom", 3)
    assert written["failedReason"] == "boom"


def test_stack_traces_are_kept_up_to_the_limit() -> None:
    def traces(**opts: Any) -> list[str]:
        written = fields(refused(FailureKind.CRASHED, "c"), stacktrace=("a", "b"), **opts)
        kept: list[str] = json.loads(written["stacktrace"])
        return kept

    assert traces() == ["a", "b", "crashed: c"]
    assert traces(stackTraceLimit=2) == ["b", "crashed: c"]
    assert traces(stackTraceLimit=0) == []


def test_text_that_utf_8_cannot_carry_does_not_stop_the_failure() -> None:
    assert fields(outcome_of(ValueError("\ud83d")))["failedReason"] == "?"


def test_an_exception_without_text_is_known_by_its_name() -> None:
    assert fields(outcome_of(KeyError()))["failedReason"] == "KeyError"


def test_a_job_that_was_started_too_often_is_not_tried_again() -> None:
    record = job({"attempts": 5}, ats="3")
    assert settle(CALLS, record, "token", outcome_of(ValueError()), True, 5)[1].state == "failed"


def test_a_retry_brings_its_own_delay_but_no_attempt() -> None:
    backoff = {"type": "fixed", "delay": 10}
    assert state(outcome_of(Retry(0)), attempts=2, backoff=backoff) == "wait"
    assert state(outcome_of(Retry(5)), attempts=2) == "delayed"
    assert state(outcome_of(Retry(5)), 1, attempts=2) == "failed"


def test_a_cancelled_job_fails_for_good_and_says_so() -> None:
    outcome = outcome_of(Cancel("not wanted"))
    assert state(outcome, attempts=5) == "failed"
    assert json.loads(fields(outcome, attempts=5)["bridgeFailure"])["kind"] == "cancelled"


def test_a_job_over_its_soft_limit_has_timed_out() -> None:
    assert json.loads(fields(outcome_of(TimeLimitExceeded()))["bridgeFailure"])["kind"] == "timed_out"


@pytest.mark.parametrize(
    ("outcome", "where"),
    [(Snoozed(5), "delayed"), (AwaitingChildren(), "waiting-children"), (Limited(5), "wait")],
)
def test_what_is_no_attempt_leaves_no_failure(outcome: Any, where: str) -> None:
    command, settlement = settled(outcome, attempts=3)
    assert settlement.state == where
    assert not any(isinstance(part, bytes) and b"failedReason" in part for part in arguments(command))
