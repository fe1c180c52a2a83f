import asyncio
import gc
from typing import Any

import pytest

from bullmq_bridge.contract.contract import QueueContract
from bullmq_bridge.outcome import Failed, FailureKind, Outcome
from bullmq_bridge.protocol.job import JobRecord
from bullmq_bridge.worker.async_pool import AsyncPool
from bullmq_bridge.worker.processor import Processor


def pool(function: Any) -> AsyncPool:
    return AsyncPool({"job": Processor("job", function)}, QueueContract.open("q"), None, None, None)  # type: ignore[arg-type]


def record(data: Any = b"{}") -> JobRecord:
    return JobRecord("1", {b"name": b"job", b"data": data})


async def outcome_in(slots: AsyncPool, job: JobRecord) -> Outcome:
    ended: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    slots.run(0, job, ended.set_result)
    return await asyncio.wait_for(ended, 5)


@pytest.mark.parametrize("jobs_before", [0, 1])
def test_a_coroutine_that_ends_cancelled_is_a_failure(jobs_before: int) -> None:
    async def cancelled(job: object) -> None:
        raise asyncio.CancelledError

    async def run() -> list[Outcome]:
        slots = pool(cancelled)
        return [await outcome_in(slots, record()) for _ in range(jobs_before + 1)]

    outcome = asyncio.run(run())[-1]
    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.error) == (FailureKind.RAISED, "CancelledError")


@pytest.mark.parametrize("jobs_before", [0, 1])
def test_a_fault_of_ours_ends_the_job_all_the_same(jobs_before: int, caplog: pytest.LogCaptureFixture) -> None:
    async def nothing(job: object) -> None:
        pass

    async def run() -> Outcome:
        slots = pool(nothing)
        for _ in range(jobs_before):
            await outcome_in(slots, record())
        return await outcome_in(slots, record(data=5))

    outcome = asyncio.run(run())
    assert isinstance(outcome, Failed)
    assert outcome.message == "how the job ended could not be told: TypeError"
    assert "how job 1 ended could not be told" in caplog.text


def test_a_coroutine_that_is_interrupted_before_its_first_step_never_runs(recwarn: pytest.WarningsRecorder) -> None:
    ran: list[object] = []

    async def job_that_must_not_run(job: object) -> None:
        ran.append(job)

    async def run() -> None:
        slots = pool(job_that_must_not_run)
        slots.run(0, record(), ran.append)
        await slots.interrupt(0)
        await asyncio.sleep(0)

    asyncio.run(run())
    gc.collect()
    assert not ran
    assert not recwarn.list


def test_a_coroutine_that_is_interrupted_has_no_outcome() -> None:
    outcomes: list[Outcome] = []

    async def run() -> None:
        started = asyncio.Event()

        async def stubborn(job: object) -> None:
            started.set()
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                await asyncio.sleep(60)

        slots = pool(stubborn)
        slots.run(0, record(), outcomes.append)
        await started.wait()
        await slots.interrupt(0)
        await asyncio.sleep(0)

    asyncio.run(run())
    assert not outcomes


def test_a_time_limit_that_strikes_before_the_first_step_ends_the_job() -> None:
    async def long(job: object) -> None:
        await asyncio.sleep(60)

    async def run() -> Outcome:
        ended: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        slots = pool(long)
        slots.run(0, record(), ended.set_result)
        slots.raise_time_limit(0)
        return await asyncio.wait_for(ended, 5)

    outcome = asyncio.run(run())
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.TIMED_OUT
