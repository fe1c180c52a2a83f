"""The life of a job inside a coroutine slot: decode, run, encode."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bullmq_bridge.contract.contract import ContractViolation
from bullmq_bridge.contract.past_version import UpcastFailed
from bullmq_bridge.worker.execution import ended, raised, violated
from bullmq_bridge.worker.job import AsyncJob, AsyncJobPort
from bullmq_bridge.worker.logs import current_job

if TYPE_CHECKING:
    from bullmq_bridge.contract.contract import JobContract
    from bullmq_bridge.outcome import Outcome
    from bullmq_bridge.protocol.job import JobRecord
    from bullmq_bridge.worker.processor import Processor


async def execute_async(processor: Processor, contract: JobContract, record: JobRecord, port: AsyncJobPort) -> Outcome:
    """Runs a coroutine function on a job.

    Raises:
        asyncio.CancelledError: the engine cancelled the task, or the processor ended so by itself; the pool knows.
    """
    current_job.set(record)
    try:
        data = contract.read(record.data or b"", record.opts_text)
    except ContractViolation as violation:
        return violated(violation)
    except UpcastFailed as failed:
        return raised(failed.error, failed.secrets)
    # Before the processor runs, for it may take them out of the data.
    secrets = contract.data.secrets(data)
    try:
        result = await processor.function(AsyncJob(record, data, port))
    except asyncio.CancelledError:
        raise
    except BaseException as error:
        # SystemExit too, which asyncio would end the whole worker for.
        return raised(error, secrets)
    return ended(contract, result)
