"""A job as it was at one moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast

from bullmq_bridge.protocol.exchange import pairs
from bullmq_bridge.protocol.job import parse_job
from bullmq_bridge.protocol.job_options import lengthen
from bullmq_bridge.queue.failure import Failure, parse_failure
from bullmq_bridge.queue.json_text import read_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bullmq_bridge.protocol.exchange import Reply
    from bullmq_bridge.protocol.keys import QueueKeys
    from bullmq_bridge.protocol.new_job import NewJob
    from bullmq_bridge.queue.options import Parent

#: Where a job is. ``unknown``: its hash is there, but it is in no state.
JobState = Literal["active", "completed", "delayed", "failed", "prioritized", "waiting", "waiting-children", "unknown"]


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as it was when it was read. Nothing in it changes; read it again to see more.

    Times are ms since the epoch. A value that should be JSON and is not comes as ``NotJson``.
    """

    id: str
    """The job's id."""
    name: str
    """The job's name."""
    queue: str
    """Name of its queue."""
    prefix: str
    """BullMQ's prefix of its queue."""
    data: Any
    """The payload. Not checked against the contract: it may be older."""
    state: JobState | None = None
    """Where the job is; None for a job that has just been added."""
    options: dict[str, Any] = field(default_factory=dict)
    """Its options, by BullMQ's full names."""
    timestamp_ms: int = 0
    """When it was added."""
    delay_ms: int = 0
    """By how much it is, or was last, delayed."""
    priority: int = 0
    """1 is the most urgent; 0 means none, and goes before all."""
    attempts_made: int = 0
    """Attempts that have ended."""
    attempts_started: int = 0
    """Times that it was started; counts hand-backs too."""
    stalled_count: int = 0
    """Times that a worker lost it."""
    progress: Any = 0
    """What its processor reported last."""
    returnvalue: Any = None
    """The result, once completed."""
    failed_reason: str | None = None
    """Why the last attempt failed."""
    stacktrace: tuple[str, ...] = ()
    """Stack traces of its failed attempts, the last one last."""
    failure: Failure | None = None
    """Why the last attempt failed, as this library's worker recorded it."""
    processed_on_ms: int | None = None
    """When its last attempt started."""
    finished_on_ms: int | None = None
    """When it completed or failed for good."""
    processed_by: str | None = None
    """Name of the worker that took it."""
    parent_key: str | None = None
    """``<prefix>:<queue>:<id>`` of the job that waits for it."""
    scheduler_id: str | None = None
    """The job scheduler that made it."""
    deduplication_id: str | None = None
    """What it is deduplicated by."""
    deferred_failure: str | None = None
    """Why it will fail as soon as a worker takes it."""
    logs: tuple[str, ...] | None = None
    """Its log; None where it was not read (``get_jobs``, a job just added)."""

    def as_parent(self) -> Parent:
        """The job, as the option ``parent`` of another names it."""
        return {"id": self.id, "queue": f"{self.prefix}:{self.queue}"}


def added_job(keys: QueueKeys, job_id: str, job: NewJob) -> JobView:
    """The job that was just added under this id."""
    return JobView(
        id=job_id,
        name=job.name,
        queue=keys.queue,
        prefix=keys.prefix,
        data=read_json(job.data),
        options=dict(job.options),
        timestamp_ms=job.timestamp_ms,
        delay_ms=job.options.get("delay") or 0,
        priority=job.options.get("priority") or 0,
        parent_key=job.parent.key if job.parent else None,
        deduplication_id=job.deduplication_id,
    )


def parse_job_view(
    keys: QueueKeys, job_id: str, reply: Reply, state: str, logs: Sequence[bytes] | None = None
) -> JobView | None:
    """The job that a hash stands for; None when there is none."""
    fields = pairs(reply)
    if not fields:
        return None
    record = parse_job(job_id, [part for pair in fields.items() for part in pair])
    return JobView(
        id=job_id,
        name=record.name or "",
        queue=keys.queue,
        prefix=keys.prefix,
        data=read_json(record.data, {}),
        state=cast("JobState", state),
        options=lengthen(record.opts),
        timestamp_ms=record.timestamp,
        delay_ms=_number(fields.get(b"delay")) or 0,
        priority=record.priority,
        attempts_made=record.attempts_made,
        attempts_started=record.attempts_started,
        stalled_count=record.stalled_count,
        progress=read_json(fields.get(b"progress"), 0),
        returnvalue=read_json(fields.get(b"returnvalue")),
        failed_reason=_text(fields.get(b"failedReason")),
        stacktrace=record.stacktrace,
        failure=parse_failure(fields),
        processed_on_ms=record.processed_on or None,
        finished_on_ms=_number(fields.get(b"finishedOn")),
        processed_by=_text(fields.get(b"pb")),
        parent_key=record.parent_key,
        scheduler_id=record.scheduler_id,
        deduplication_id=_text(fields.get(b"deid")),
        deferred_failure=record.deferred_failure,
        logs=None if logs is None else tuple(row.decode("utf-8", "replace") for row in logs),
    )


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")


def _number(value: bytes | None) -> int | None:
    try:
        return int(float(value)) if value else None
    except (ValueError, OverflowError):
        return None
