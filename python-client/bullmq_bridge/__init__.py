"""Run BullMQ jobs in Python: synchronous processors, on BullMQ's own scripts, with the schema of the Node side."""

from bullmq_bridge.contract.contract import ContractError, ContractViolation
from bullmq_bridge.outcome import FailureKind, Unrecoverable
from bullmq_bridge.protocol.bundle import BundleError
from bullmq_bridge.worker.job import AsyncJob, Job
from bullmq_bridge.worker.worker import Worker

__all__ = [
    "AsyncJob",
    "BundleError",
    "ContractError",
    "ContractViolation",
    "FailureKind",
    "Job",
    "Unrecoverable",
    "Worker",
]
