"""Run BullMQ jobs in Python: synchronous processors, on BullMQ's own scripts, with the schema of the Node side."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bullmq_bridge.contract.contract import ContractError, ContractViolation
from bullmq_bridge.directive import (
    Cancel,
    ChildFailed,
    RateLimited,
    Retry,
    Snooze,
    TimeLimitExceeded,
    Unrecoverable,
    WaitForChildren,
)
from bullmq_bridge.outcome import FailureKind
from bullmq_bridge.protocol.bundle import BundleError
from bullmq_bridge.protocol.features import UnsupportedByBackend
from bullmq_bridge.protocol.mismatch import VersionMismatch
from bullmq_bridge.protocol.options import Limiter
from bullmq_bridge.worker.events import Event
from bullmq_bridge.worker.job import AsyncJob, Job
from bullmq_bridge.worker.worker import Worker

if TYPE_CHECKING:
    from bullmq_bridge.client.errors import AnswerLost, ClientClosed
    from bullmq_bridge.events.async_queue_events import AsyncQueueEvents
    from bullmq_bridge.events.errors import JobFailed, WaitTimeout
    from bullmq_bridge.events.queue_events import QueueEvents
    from bullmq_bridge.flow.async_flow import AsyncFlow
    from bullmq_bridge.flow.flow import Flow
    from bullmq_bridge.flow.flow_job import FlowJob, FlowTree
    from bullmq_bridge.queue.async_queue import AsyncQueue
    from bullmq_bridge.queue.errors import JobNotFound, JobStateError, ParentError, QueueError
    from bullmq_bridge.queue.failure import Failure
    from bullmq_bridge.queue.inspection import JobLogs, RateLimit, WorkerInfo
    from bullmq_bridge.queue.item import JobItem
    from bullmq_bridge.queue.job_view import JobState, JobView
    from bullmq_bridge.queue.json_text import NotJson
    from bullmq_bridge.queue.options import Backoff, Deduplication, JobOptions, Keep, Parent, Telemetry, TemplateOptions
    from bullmq_bridge.queue.queue import Queue
    from bullmq_bridge.queue.refusal import JobRefused, Violation
    from bullmq_bridge.queue.scheduling import JobScheduler, Schedule
    from bullmq_bridge.worker.job_source import JobSource, JobSourceClosed
    from bullmq_bridge.worker.question import JobNotHeld

#: Loaded when they are asked for: a worker's child imports this package too, and must not pay for Redis and asyncio.
_PUBLISHING = {
    "AnswerLost": "bullmq_bridge.client.errors",
    "ClientClosed": "bullmq_bridge.client.errors",
    "AsyncQueueEvents": "bullmq_bridge.events.async_queue_events",
    "JobFailed": "bullmq_bridge.events.errors",
    "WaitTimeout": "bullmq_bridge.events.errors",
    "QueueEvents": "bullmq_bridge.events.queue_events",
    "AsyncFlow": "bullmq_bridge.flow.async_flow",
    "Flow": "bullmq_bridge.flow.flow",
    "FlowJob": "bullmq_bridge.flow.flow_job",
    "FlowTree": "bullmq_bridge.flow.flow_job",
    "AsyncQueue": "bullmq_bridge.queue.async_queue",
    "JobNotFound": "bullmq_bridge.queue.errors",
    "JobStateError": "bullmq_bridge.queue.errors",
    "ParentError": "bullmq_bridge.queue.errors",
    "QueueError": "bullmq_bridge.queue.errors",
    "Failure": "bullmq_bridge.queue.failure",
    "JobLogs": "bullmq_bridge.queue.inspection",
    "RateLimit": "bullmq_bridge.queue.inspection",
    "WorkerInfo": "bullmq_bridge.queue.inspection",
    "JobItem": "bullmq_bridge.queue.item",
    "JobState": "bullmq_bridge.queue.job_view",
    "JobView": "bullmq_bridge.queue.job_view",
    "NotJson": "bullmq_bridge.queue.json_text",
    "Backoff": "bullmq_bridge.queue.options",
    "Deduplication": "bullmq_bridge.queue.options",
    "JobOptions": "bullmq_bridge.queue.options",
    "Keep": "bullmq_bridge.queue.options",
    "Parent": "bullmq_bridge.queue.options",
    "Telemetry": "bullmq_bridge.queue.options",
    "TemplateOptions": "bullmq_bridge.queue.options",
    "Queue": "bullmq_bridge.queue.queue",
    "JobRefused": "bullmq_bridge.queue.refusal",
    "Violation": "bullmq_bridge.queue.refusal",
    "JobScheduler": "bullmq_bridge.queue.scheduling",
    "Schedule": "bullmq_bridge.queue.scheduling",
    "JobSource": "bullmq_bridge.worker.job_source",
    "JobSourceClosed": "bullmq_bridge.worker.job_source",
    "JobNotHeld": "bullmq_bridge.worker.question",
}

__all__ = [
    "AnswerLost",
    "AsyncFlow",
    "AsyncJob",
    "AsyncQueue",
    "AsyncQueueEvents",
    "Backoff",
    "BundleError",
    "Cancel",
    "ChildFailed",
    "ClientClosed",
    "ContractError",
    "ContractViolation",
    "Deduplication",
    "Event",
    "Failure",
    "FailureKind",
    "Flow",
    "FlowJob",
    "FlowTree",
    "Job",
    "JobFailed",
    "JobItem",
    "JobLogs",
    "JobNotFound",
    "JobNotHeld",
    "JobOptions",
    "JobRefused",
    "JobScheduler",
    "JobSource",
    "JobSourceClosed",
    "JobState",
    "JobStateError",
    "JobView",
    "Keep",
    "Limiter",
    "NotJson",
    "Parent",
    "ParentError",
    "Queue",
    "QueueError",
    "QueueEvents",
    "RateLimit",
    "RateLimited",
    "Retry",
    "Schedule",
    "Snooze",
    "Telemetry",
    "TemplateOptions",
    "TimeLimitExceeded",
    "Unrecoverable",
    "UnsupportedByBackend",
    "VersionMismatch",
    "Violation",
    "WaitForChildren",
    "WaitTimeout",
    "Worker",
    "WorkerInfo",
]


if not TYPE_CHECKING:  # a type checker would take every name for one of this package

    def __getattr__(name: str) -> Any:
        if name not in _PUBLISHING:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(_PUBLISHING[name]), name)
        globals()[name] = value
        return value
