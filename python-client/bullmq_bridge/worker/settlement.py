"""The one place where an outcome becomes the script that tells Redis."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bullmq_bridge.outcome import FAILURE_FIELD, Completed, Failed, Outcome
from bullmq_bridge.protocol.backoff import UnknownBackoff, backoff_delay_ms

if TYPE_CHECKING:
    from bullmq_bridge.protocol.calls import Command, ScriptCalls
    from bullmq_bridge.protocol.job import JobRecord


@dataclass(frozen=True, slots=True)
class Settlement:
    """The call that settles a job.

    Args:
        command: the script call.
        state: where the job goes: ``completed``, ``failed``, ``delayed`` or ``wait``.
        tells_next: whether an answer without a job means that there is none (else nothing is known).
    """

    command: Command
    state: str
    tells_next: bool


def settle(
    calls: ScriptCalls, record: JobRecord, token: str, outcome: Outcome, fetch_next: bool, now_ms: int
) -> Settlement:
    """Maps how a job ended to what Redis is told, as ``Job.moveToCompleted`` and ``moveToFailed`` do (bullmq 6.7.0)."""
    if isinstance(outcome, Completed):
        command = calls.move_to_completed(record, token, outcome.result, fetch_next, now_ms)
        return Settlement(command, "completed", tells_next=True)
    fields = _failure_fields(record, outcome)
    delay = _retry_delay_ms(record, outcome)
    if delay is None:
        command = calls.move_to_failed(record, token, outcome.message, fields, fetch_next, now_ms)
        return Settlement(command, "failed", tells_next=True)
    if delay == 0:
        return Settlement(calls.retry_job(record, token, fields, now_ms), "wait", tells_next=False)
    command = calls.move_to_delayed(record, token, delay, fields, fetch_next, now_ms)
    return Settlement(command, "delayed", tells_next=False)


def _retry_delay_ms(record: JobRecord, failed: Failed) -> int | None:
    """None: no attempt is left, or none would help."""
    attempts = record.opts.get("attempts")
    if not failed.retry or not isinstance(attempts, (int, float)) or record.attempts_made + 1 >= attempts:
        return None
    try:
        return backoff_delay_ms(record.opts.get("backoff"), record.attempts_made + 1)
    except UnknownBackoff:
        # Node leaves such a job active until it stalls; a failure that names the attempt's error says more.
        return None


def _failure_fields(record: JobRecord, failed: Failed) -> list[str]:
    traces = [*record.stacktrace, failed.trace]
    limit = record.opts.get("stackTraceLimit")
    if isinstance(limit, int) and not isinstance(limit, bool):
        traces = traces[-limit:] if limit else []
    return [
        "failedReason",
        failed.message,
        "stacktrace",
        json.dumps(traces, ensure_ascii=False),
        FAILURE_FIELD,
        failed.record(record.attempts_made + 1),
    ]
