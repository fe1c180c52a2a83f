import asyncio
from typing import Any

from bullmq_bridge.contract.contract import QueueContract
from bullmq_bridge.outcome import Failed, FailureKind, Outcome
from bullmq_bridge.protocol.job import JobRecord
from bullmq_bridge.worker.async_pool import AsyncPool
from bullmq_bridge.worker.processor import Processor


def pool(function: Any) -> AsyncPool:
    return AsyncPool({"job": Processor("job", function)}, QueueContract.open("q"), None, None, None)  # type: ignore[arg-type]


def test_a_coroutine_that_ends_cancelled_is_a_failure() -> None:
    async def cancelled(job: object) -> None:
        raise asyncio.CancelledError

    async def run() -> Outcome:
        ended: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        pool(cancelled).run(0, JobRecord("1", {b"name": b"job", b"data": b"{}"}), ended.set_result)
        return await asyncio.wait_for(ended, 5)

    outcome = asyncio.run(run())
    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.error) == (FailureKind.RAISED, "CancelledError")


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
        slots.run(0, JobRecord("1", {b"name": b"job", b"data": b"{}"}), outcomes.append)
        await started.wait()
        await slots.interrupt(0)
        await asyncio.sleep(0)

    asyncio.run(run())
    assert not outcomes
