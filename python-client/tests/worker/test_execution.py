import asyncio
from typing import Any

import pytest

from bullmq_bridge.contract.contract import Gate, JobContract
from bullmq_bridge.directive import Directive, RateLimited, Snooze, WaitForChildren
from bullmq_bridge.outcome import AwaitingChildren, Completed, Failed, FailureKind, Limited, Moved, Outcome, Snoozed
from bullmq_bridge.protocol.job import JobRecord
from bullmq_bridge.worker.async_execution import execute_async
from bullmq_bridge.worker.execution import execute
from bullmq_bridge.worker.processor import Processor


class Port:
    def __init__(self) -> None:
        self.seen: list[tuple[str, Any]] = []
        self.reply = 1

    def progress(self, job_id: str, progress: bytes) -> None:
        self.seen.append(("progress", progress))

    def log(self, job_id: str, row: str) -> None:
        self.seen.append(("log", row))

    def ask(self, job_id: str, question: str, *values: Any) -> Any:
        if question == "move_to_waiting_children":
            return self.reply
        return [b"bull:q:2", b'{"x":1}'] if question == "children_values" else [b"bull:q:3", b"boom"]


def run(function: Any, data: bytes = b"{}", port: Port | None = None, schema: dict[str, Any] | None = None) -> Outcome:
    record = JobRecord("1", {b"name": b"job", b"data": data})
    contract = JobContract("job", Gate("data", schema), Gate("result"))
    if asyncio.iscoroutinefunction(function):
        return asyncio.run(execute_async(Processor("job", function), contract, record, port))  # type: ignore[arg-type]
    return execute(Processor("job", function), contract, record, port or Port())


def failed(outcome: Outcome) -> Failed:
    assert isinstance(outcome, Failed)
    return outcome


def test_what_a_processor_returns_is_the_result() -> None:
    assert run(lambda job: {"got": job.data}, b'{"a":1}') == Completed(b'{"got":{"a":1}}')
    assert run(lambda job: None) == Completed(b"null")


def test_what_a_processor_raises_is_the_failure() -> None:
    def boom(job: object) -> None:
        raise ValueError("boom")

    outcome = failed(run(boom))
    assert (outcome.kind, outcome.message, outcome.error, outcome.retry) == (
        FailureKind.RAISED,
        "boom",
        "ValueError",
        True,
    )
    assert "in boom" in outcome.trace
    assert "processor.function" not in outcome.trace


def test_a_secret_that_the_processor_took_out_of_the_data_is_not_told() -> None:
    def take(job: Any) -> None:
        raise ValueError(f"cannot log in with {job.data.pop('password')} or {job.data.pop('key')!r}")

    async def take_in_turn(job: Any) -> None:
        take(job)

    schema = {
        "type": "object",
        "properties": {name: {"type": "string", "secret": True} for name in ("password", "key")},
    }
    for function in (take, take_in_turn):
        outcome = failed(run(function, b'{"password":"hunter2","key":"BEGIN\\nabcdef"}', schema=schema))
        assert outcome.message == "cannot log in with [secret] or '[secret]'"
        assert "hunter2" not in outcome.trace
        assert "abcdef" not in outcome.trace


def test_leaving_the_interpreter_is_a_failure_like_any_other() -> None:
    def leave(job: object) -> None:
        raise SystemExit(0)

    assert failed(run(leave)).error == "SystemExit"


def test_data_that_is_not_json_is_a_contract_violation_and_nothing_runs() -> None:
    ran = []
    outcome = failed(run(ran.append, b"{"))
    assert outcome.kind is FailureKind.CONTRACT_VIOLATION
    assert not outcome.retry
    assert not ran


def test_a_result_that_is_not_json_is_a_contract_violation() -> None:
    outcome = failed(run(lambda job: {"when": {1, 2}}))
    assert outcome.kind is FailureKind.CONTRACT_VIOLATION
    assert outcome.paths == ("/when",)


def test_a_job_reports_and_asks_through_its_port() -> None:
    port = Port()

    def report(job: Any) -> Any:
        job.update_progress({"done": 1})
        job.log("line")
        return [job.get_children_values(), job.get_ignored_children_failures()]

    assert run(report, port=port) == Completed(b'[{"bull:q:2":{"x":1}},{"bull:q:3":"boom"}]')
    assert port.seen == [("progress", b'{"done":1}'), ("log", "line")]


@pytest.mark.parametrize(
    ("directive", "outcome"),
    [(Snooze(1.5), Snoozed(1500)), (WaitForChildren(), AwaitingChildren()), (RateLimited(2), Limited(2000))],
)
def test_a_directive_may_be_returned_or_raised(directive: Directive, outcome: Outcome) -> None:
    def give(job: object) -> Directive:
        return directive

    def throw(job: object) -> None:
        raise directive

    assert run(give) == run(throw) == outcome


def test_a_job_that_moved_itself_has_nothing_left_to_say() -> None:
    port = Port()

    def wait(job: Any) -> str:
        job.move_to_waiting_children()
        return "no child is pending"

    assert run(wait, port=port) == Completed(b'"no child is pending"')
    port.reply = 0
    assert run(wait, port=port) == Moved()
    port.reply = -9
    outcome = failed(run(wait, port=port))
    assert outcome.kind is FailureKind.DEFERRED
    assert not outcome.retry


def test_progress_that_is_too_long_is_refused_and_a_long_line_is_cut() -> None:
    port = Port()

    def report(job: Any) -> None:
        job.log("first" + "x" * 70_000 + "last")
        job.update_progress("x" * 2**20)

    outcome = failed(run(report, port=port))
    assert (outcome.error, outcome.message) == (
        "ValueError",
        "progress of 1048578 bytes: more than the 1048576 that are allowed",
    )
    ((kind, line),) = port.seen
    assert kind == "log"
    assert len(line.encode()) <= 64 * 2**10
    assert line.startswith("first")
    assert line.endswith("last")
