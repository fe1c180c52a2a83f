"""The life of a job inside a slot: decode, run, encode. Never raises: how it ended is the return value.

The twin for coroutine functions is ``async_execution``: a child needs no asyncio.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bullmq_bridge.contract.contract import ContractViolation
from bullmq_bridge.contract.fault import black_out
from bullmq_bridge.contract.past_version import UpcastFailed
from bullmq_bridge.directive import Directive
from bullmq_bridge.outcome import Completed, Failed, FailureKind, Outcome, outcome_of, refused
from bullmq_bridge.worker.job import Job, SyncJobPort
from bullmq_bridge.worker.logs import current_job

if TYPE_CHECKING:
    from bullmq_bridge.contract.contract import JobContract
    from bullmq_bridge.protocol.job import JobRecord
    from bullmq_bridge.worker.processor import Processor


def execute(processor: Processor, contract: JobContract, record: JobRecord, port: SyncJobPort) -> Outcome:
    """Runs a plain function on a job."""
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
        result = processor.function(Job(record, data, port))
    except BaseException as error:
        # SystemExit and KeyboardInterrupt too: a processor that calls sys.exit() failed, the slot goes on.
        return raised(error, secrets)
    return ended(contract, result)


def raised(error: BaseException, secrets: frozenset[str]) -> Outcome:
    """The outcome of a processor or upcaster that raised, without the secrets."""
    outcome = outcome_of(error)
    if not isinstance(outcome, Failed):
        return outcome
    message, trace = (black_out(text, secrets) for text in (outcome.message, outcome.trace))
    return replace(outcome, message=message, trace=trace)


def ended(contract: JobContract, result: Any) -> Outcome:
    """The outcome of a processor that returned ``result``."""
    if isinstance(result, Directive):
        return outcome_of(result)
    try:
        return Completed(contract.result.encode(result))
    except ContractViolation as violation:
        return violated(violation)


def violated(violation: ContractViolation) -> Outcome:
    """The outcome of a job whose data or result breaks the contract."""
    return refused(FailureKind.CONTRACT_VIOLATION, str(violation), violation.paths)
