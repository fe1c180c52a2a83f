"""Run BullMQ jobs in Python: synchronous processors, on BullMQ's own scripts, with the schema of the Node side."""

from bullmq_bridge.contract.contract import ContractError, ContractViolation
from bullmq_bridge.directive import (
    Cancel,
    RateLimited,
    Retry,
    Snooze,
    TimeLimitExceeded,
    Unrecoverable,
    WaitForChildren,
)
from bullmq_bridge.outcome import FailureKind
from bullmq_bridge.protocol.bundle import BundleError
from bullmq_bridge.protocol.options import Limiter
from bullmq_bridge.worker.events import Event
from bullmq_bridge.worker.job import AsyncJob, Job
from bullmq_bridge.worker.worker import Worker

__all__ = [
    "AsyncJob",
    "BundleError",
    "Cancel",
    "ContractError",
    "ContractViolation",
    "Event",
    "FailureKind",
    "Job",
    "Limiter",
    "RateLimited",
    "Retry",
    "Snooze",
    "TimeLimitExceeded",
    "Unrecoverable",
    "WaitForChildren",
    "Worker",
]
