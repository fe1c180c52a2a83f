"""The life of a job inside a slot: decode, run, encode. Never raises: how it ended is the return value."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from bullmq_bridge.contract.contract import ContractViolation
from bullmq_bridge.directive import Directive
from bullmq_bridge.outcome import Completed, FailureKind, Outcome, outcome_of, refused
from bullmq_bridge.worker.job import AsyncJob, AsyncJobPort, Job, SyncJobPort
from bullmq_bridge.worker.logs import current_job

if TYPE_CHECKING:
    from bullmq_bridge.contract.contract import JobContract
    from bullmq_bridge.protocol.job import JobRecord
    from bullmq_bridge.worker.processor import Processor


def execute(processor: Processor, contract: JobContract, record: JobRecord, port: SyncJobPort) -> Outcome:
    """Runs a plain function on a job."""
    current_job.set(record)
    try:
        data = contract.data.decode(record.data or b"")
    except ContractViolation as violation:
        return _violated(violation)
    try:
        result = processor.function(Job(record, data, port))
    except BaseException as error:
        # SystemExit and KeyboardInterrupt too: a processor that calls sys.exit() failed, the slot goes on.
        return outcome_of(error)
    return _ended(contract, result)


async def execute_async(processor: Processor, contract: JobContract, record: JobRecord, port: AsyncJobPort) -> Outcome:
    """Runs a coroutine function on a job.

    Raises:
        asyncio.CancelledError: the engine cancelled the task.
    """
    current_job.set(record)
    try:
        data = contract.data.decode(record.data or b"")
    except ContractViolation as violation:
        return _violated(violation)
    try:
        result = await processor.function(AsyncJob(record, data, port))
    except asyncio.CancelledError as error:
        if _cancelled_from_outside():
            raise
        return outcome_of(error)
    except Exception as error:
        return outcome_of(error)
    return _ended(contract, result)


def _cancelled_from_outside() -> bool:
    task = asyncio.current_task()
    # Python 3.10 cannot count cancellations; there, a CancelledError is taken as the engine's.
    cancelling = getattr(task, "cancelling", None)
    return cancelling is None or cancelling() > 0


def _ended(contract: JobContract, result: Any) -> Outcome:
    if isinstance(result, Directive):
        return outcome_of(result)
    try:
        return Completed(contract.result.encode(result))
    except ContractViolation as violation:
        return _violated(violation)


def _violated(violation: ContractViolation) -> Outcome:
    return refused(FailureKind.CONTRACT_VIOLATION, str(violation), violation.paths)
