"""The life of a job inside a slot: decode, run, encode. Never raises: how it ended is the return value."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from bullmq_bridge.contract.contract import ContractViolation
from bullmq_bridge.outcome import Completed, FailureKind, Outcome, raised, refused
from bullmq_bridge.worker.job import AsyncJob, AsyncJobPort, Job, SyncJobPort

if TYPE_CHECKING:
    from bullmq_bridge.contract.contract import JobContract
    from bullmq_bridge.protocol.job import JobRecord
    from bullmq_bridge.worker.processor import Processor


def execute(processor: Processor, contract: JobContract, record: JobRecord, port: SyncJobPort) -> Outcome:
    """Runs a plain function on a job."""
    try:
        data = contract.data.decode(record.data or b"")
    except ContractViolation as violation:
        return _violated(violation)
    try:
        result = processor.function(Job(record, data, port))
    except BaseException as error:
        # SystemExit and KeyboardInterrupt too: a processor that calls sys.exit() failed, the slot goes on.
        return raised(error)
    return _encoded(contract, result)


async def execute_async(processor: Processor, contract: JobContract, record: JobRecord, port: AsyncJobPort) -> Outcome:
    """Runs a coroutine function on a job.

    Raises:
        asyncio.CancelledError: the engine cancelled the task.
    """
    try:
        data = contract.data.decode(record.data or b"")
    except ContractViolation as violation:
        return _violated(violation)
    try:
        result = await processor.function(AsyncJob(record, data, port))
    except asyncio.CancelledError as error:
        if _cancelled_from_outside():
            raise
        return raised(error)
    except Exception as error:
        return raised(error)
    return _encoded(contract, result)


def _cancelled_from_outside() -> bool:
    task = asyncio.current_task()
    # Python 3.10 cannot count cancellations; there, a CancelledError is taken as the engine's.
    cancelling = getattr(task, "cancelling", None)
    return cancelling is None or cancelling() > 0


def _encoded(contract: JobContract, result: Any) -> Outcome:
    try:
        return Completed(contract.result.encode(result))
    except ContractViolation as violation:
        return _violated(violation)


def _violated(violation: ContractViolation) -> Outcome:
    return refused(FailureKind.CONTRACT_VIOLATION, str(violation), violation.paths)
