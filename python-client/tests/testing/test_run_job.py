from __future__ import annotations

import asyncio
import json
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import pytest

from bullmq_bridge import (
    AsyncJob,
    Cancel,
    ContractError,
    Job,
    RateLimited,
    Retry,
    Snooze,
    Unrecoverable,
    WaitForChildren,
    Worker,
)
from bullmq_bridge.testing import Children, run_job, run_job_async

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 0}}, "required": ["n"]}


@pytest.fixture
def schemas(tmp_path: Path) -> Path:
    (tmp_path / "n.json").write_text(json.dumps(SCHEMA))
    options = {"attempts": 2, "backoff": {"type": "fixed", "delay": 50}}
    job = {"data": "n.json", "result": "n.json", "options": options}
    (tmp_path / "contract.json").write_text(
        json.dumps({"version": 1, "queues": {"sums": {"jobs": {"add": job, "gone": job}}}})
    )
    return tmp_path


def adding(schemas: Path, function: Any) -> Worker:
    worker = Worker("sums", contract=schemas)
    worker.job("add")(function)
    return worker


def test_a_job_that_completes_tells_its_result(schemas: Path) -> None:
    def add(job: Job[dict[str, int]]) -> dict[str, int]:
        job.update_progress({"done": 0.5})
        job.log(f"attempt {job.attempts_made + 1} of job {job.id}")
        return {"n": job.data["n"] + 1}

    run = run_job(adding(schemas, add), "add", {"n": 1}, job_id="sum-1")
    assert (run.state, run.result, run.failure, run.attempts_made) == ("completed", {"n": 2}, None, 1)
    assert (run.progress, run.log) == (({"done": 0.5},), ("attempt 1 of job sum-1",))


@pytest.mark.parametrize(
    ("data", "path"),
    [({"n": -1}, "/n"), ({}, "/n"), ({"n": float("nan")}, "/"), ({"n": 1, "s": "\ud83d"}, "/s"), (b'{"n":1', "/")],
)
def test_data_that_breaks_the_contract_never_reaches_the_processor(schemas: Path, data: Any, path: str) -> None:
    ran: list[object] = []
    run = run_job(adding(schemas, ran.append), "add", data)
    assert run.failure is not None
    assert (run.state, run.failure.kind, run.failure.paths) == ("failed", "contract_violation", (path,))
    assert not ran


def test_a_result_that_breaks_the_contract_fails_the_job_whatever_attempts_are_left(schemas: Path) -> None:
    run = run_job(adding(schemas, lambda job: {"n": "one"}), "add", {"n": 1})
    assert run.failure is not None
    assert (run.state, run.result, run.failure.kind) == ("failed", None, "contract_violation")


def test_the_attempts_and_the_backoff_of_the_contract_decide_what_becomes_of_an_error(schemas: Path) -> None:
    def boom(job: Job[Any]) -> None:
        raise ValueError("boom")

    worker = adding(schemas, boom)
    first = run_job(worker, "add", {"n": 1})
    assert (first.state, first.delay_ms, first.attempts_made) == ("delayed", 50, 1)
    last = run_job(worker, "add", {"n": 1}, attempts_made=first.attempts_made)
    assert last.failure is not None
    assert (last.state, last.attempts_made, last.failure.attempt) == ("failed", 2, 2)
    assert (last.failure.kind, last.failure.type, last.failure.message) == ("raised", "ValueError", "boom")
    assert "in boom" in (last.failure.traceback or "")
    assert run_job(worker, "add", {"n": 1}, opts={"attempts": 1}).state == "failed"
    assert run_job(worker, "add", {"n": 1}, opts={"backoff": None}).state == "wait"


@pytest.mark.parametrize(
    ("directive", "state", "delay_ms", "attempts_made", "kind"),
    [
        (Retry(2), "delayed", 2_000, 1, "raised"),
        (Unrecoverable("no"), "failed", None, 1, "raised"),
        (Cancel("late"), "failed", None, 1, "cancelled"),
        (Snooze(3), "delayed", 3_000, 0, None),
        (RateLimited(4), "wait", 4_000, 0, None),
        (WaitForChildren(), "wait", None, 0, None),
    ],
)
def test_directives_become_what_a_worker_makes_of_them(
    schemas: Path, directive: Exception, state: str, delay_ms: int | None, attempts_made: int, kind: str | None
) -> None:
    run = run_job(adding(schemas, lambda job: directive), "add", {"n": 1})
    assert (run.state, run.delay_ms, run.attempts_made) == (state, delay_ms, attempts_made)
    assert (run.failure.kind if run.failure else None) == kind


def test_a_job_hears_of_its_children(schemas: Path) -> None:
    def add(job: Job[Any]) -> dict[str, int]:
        assert job.get_failed_children() == []
        assert job.get_ignored_children_failures() == {"bull:q:2": "boom"}
        assert job.get_dependencies_count().processed == 1
        return {"n": sum(job.get_children_values().values())}

    children = Children(completed={"bull:q:1": 4}, ignored={"bull:q:2": "boom"})
    assert run_job(adding(schemas, add), "add", {"n": 1}, children=children).result == {"n": 4}


def test_a_job_with_pending_or_failed_children_does_not_complete(schemas: Path) -> None:
    worker = adding(schemas, lambda job: job.data)
    pending = run_job(worker, "add", {"n": 1}, children=Children(pending=["bull:q:1"]))
    assert (pending.state, pending.attempts_made, pending.result) == ("waiting-children", 0, None)
    failed = run_job(worker, "add", {"n": 1}, children=Children(failed=["bull:q:1"]))
    assert failed.failure is not None
    assert (failed.state, failed.failure.kind) == ("failed", "deferred")


def test_a_job_with_steps_can_be_run_again_from_the_data_that_it_left(schemas: Path) -> None:
    def step(job: Job[Any]) -> Any:
        if job.data["n"] == 0:
            job.update_data({"n": 1})
            job.move_to_waiting_children()
        return job.data

    worker = adding(schemas, step)
    first = run_job(worker, "add", {"n": 0}, children=Children(pending=["bull:q:1"]))
    assert (first.state, first.data) == ("waiting-children", {"n": 1})
    assert run_job(worker, "add", first.data).result == {"n": 1}


def test_a_coroutine_function_runs_with_or_without_a_loop(schemas: Path) -> None:
    async def add(job: AsyncJob[Any]) -> Any:
        await job.update_progress(1)
        await asyncio.sleep(0)
        return {"n": len(await job.get_children_values())}

    worker = adding(schemas, add)
    assert run_job(worker, "add", {"n": 1}, job_id="7").result == {"n": 0}
    run = asyncio.run(run_job_async(worker, "add", {"n": 1}, children=Children(completed={"bull:q:1": 1})))
    assert (run.result, run.progress) == ({"n": 1}, (1,))
    with pytest.raises(TypeError, match="use run_job"):
        asyncio.run(run_job_async(adding(schemas, lambda job: job.data), "add", {"n": 1}))


def test_a_job_without_a_processor_fails_as_it_does_in_a_worker(schemas: Path) -> None:
    run = run_job(adding(schemas, lambda job: job.data), "gone", {})
    assert run.failure is not None
    assert (run.state, run.failure.kind) == ("failed", "unknown_job")
    assert "(this worker has: add)" in run.failure.message


def test_a_processor_for_a_job_that_the_contract_lacks_is_an_error(schemas: Path) -> None:
    worker = Worker("sums", contract=schemas)
    worker.job("subtract")(lambda job: job.data)
    with pytest.raises(ContractError, match="'subtract'"):
        run_job(worker, "subtract", {})


def test_what_a_job_puts_into_context_variables_is_gone_after_it(schemas: Path) -> None:
    seen: ContextVar[str] = ContextVar("seen", default="nothing")

    def add(job: Job[Any]) -> Any:
        seen.set("a job")
        return job.data

    run_job(adding(schemas, add), "add", {"n": 1})
    assert seen.get() == "nothing"


def test_a_strategy_of_the_worker_decides_its_delay(schemas: Path) -> None:
    def boom(job: Job[Any]) -> None:
        raise ValueError

    worker = adding(schemas, boom)
    worker.backoff("slow")(lambda attempt: attempt * 1_000)
    run = run_job(worker, "add", {"n": 1}, opts={"attempts": 5, "backoff": {"type": "slow"}}, attempts_made=2)
    assert (run.state, run.delay_ms) == ("delayed", 3_000)


SECRETIVE = {
    "type": "object",
    "properties": {
        "user": {"type": "string"},
        "password": {"type": "string", "secret": True},
        "keys": {"type": "object", "secret": True},
    },
}


@pytest.mark.parametrize("is_async", [False, True])
def test_what_a_processor_says_of_a_secret_field_is_blacked_out(schemas: Path, is_async: bool) -> None:
    (schemas / "n.json").write_text(json.dumps(SECRETIVE))

    def boom(job: Job[Any]) -> None:
        raise ValueError(f"{job.data['user']} cannot log in with {job.data['password']}, {job.data['keys']}")

    async def boom_later(job: AsyncJob[Any]) -> None:
        boom(job)  # type: ignore[arg-type]

    data = {"user": "somebody", "password": "hunter2", "keys": {"a": ["hunter2 too", 123456], "b": "yes"}}
    run = run_job(adding(schemas, boom_later if is_async else boom), "add", data)
    assert run.failure is not None
    assert run.failure.message == ("somebody cannot log in with [secret], {'a': ['[secret]', [secret]], 'b': 'yes'}")
    assert "hunter2" not in (run.failure.traceback or "")
