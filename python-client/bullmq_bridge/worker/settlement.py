"""The one place where an outcome becomes the script that tells Redis."""

from __future__ import annotations

import json
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from bullmq_bridge.outcome import FAILURE_FIELD, AwaitingChildren, Completed, Failed, Limited, Outcome, Snoozed
from bullmq_bridge.protocol.backoff import UnknownBackoff, backoff_delay_ms

if TYPE_CHECKING:
    from bullmq_bridge.protocol.calls import ScriptCalls
    from bullmq_bridge.protocol.command import Command
    from bullmq_bridge.protocol.job import JobRecord
    from bullmq_bridge.protocol.options import WorkerOptions


class Answer(Enum):
    """How the answer to a settling call is read when it brings no job."""

    #: It says when to ask again.
    TELLS_NEXT = 1
    #: It says nothing about the queue.
    TELLS_NOTHING = 2
    #: It is the time for which the queue is rate limited, in ms.
    TELLS_LIMIT = 3


class Settlement(NamedTuple):
    """What a call that settles a job comes to.

    Args:
        state: where the job goes.
        answer: how the call's answer is read.
        before: a command that must be sent ahead of it.
    """

    state: str
    answer: Answer
    before: Command | None = None


COMPLETED = Settlement("completed", Answer.TELLS_NEXT)
COMPLETED_AS_LAST = Settlement("completed", Answer.TELLS_NOTHING)
FAILED = Settlement("failed", Answer.TELLS_NEXT)
FAILED_AS_LAST = Settlement("failed", Answer.TELLS_NOTHING)
DELAYED = Settlement("delayed", Answer.TELLS_NOTHING)
PUT_BACK = Settlement("wait", Answer.TELLS_NOTHING)
AWAITING_CHILDREN = Settlement("waiting-children", Answer.TELLS_NOTHING)


def settle(
    calls: ScriptCalls, record: JobRecord, token: str, outcome: Outcome, fetch_next: bool, now_ms: int
) -> tuple[Command | bytes, Settlement]:
    """Maps how a job ended to the call that tells Redis (``Job.moveToCompleted``, ``moveToFailed``; bullmq 6.7.0)."""
    if isinstance(outcome, Completed):
        command = calls.move_to_completed(record, token, outcome.result, fetch_next, now_ms)
        return command, COMPLETED if fetch_next else COMPLETED_AS_LAST
    if isinstance(outcome, Failed):
        return _settle_failed(calls, record, token, outcome, fetch_next, now_ms)
    if isinstance(outcome, Snoozed):
        delay = outcome.delay_ms
        return calls.move_to_delayed(record, token, delay, (), fetch_next, now_ms, skip_attempt=True), DELAYED
    if isinstance(outcome, AwaitingChildren):
        return calls.move_to_waiting_children(record.id, token, now_ms), AWAITING_CHILDREN
    if isinstance(outcome, Limited):
        limited = Settlement("wait", Answer.TELLS_LIMIT, before=calls.limit(outcome.ttl_ms))
        return calls.move_to_wait(record.id, token), limited
    raise AssertionError(f"a job that was moved needs no settling: {outcome}")


def _settle_failed(
    calls: ScriptCalls, record: JobRecord, token: str, failed: Failed, fetch_next: bool, now_ms: int
) -> tuple[Command | bytes, Settlement]:
    fields = _failure_fields(record, failed)
    delay = _retry_delay_ms(record, failed, calls.options)
    if delay is None:
        command = calls.move_to_failed(record, token, failed.message, fields, fetch_next, now_ms)
        return command, FAILED if fetch_next else FAILED_AS_LAST
    if delay == 0:
        return calls.retry_job(record, token, fields, now_ms), PUT_BACK
    return calls.move_to_delayed(record, token, delay, fields, fetch_next, now_ms), DELAYED


def _retry_delay_ms(record: JobRecord, failed: Failed, options: WorkerOptions) -> int | None:
    """None: no attempt is left, or none would help."""
    attempts = record.opts.get("attempts")
    if not failed.retry or not isinstance(attempts, (int, float)) or record.attempts_made + 1 >= attempts:
        return None
    limit = options.max_started_attempts
    if limit and limit <= record.attempts_started:
        return None
    if failed.delay_ms is not None:
        return failed.delay_ms
    try:
        return backoff_delay_ms(record.opts.get("backoff"), record.attempts_made + 1, options.backoffs)
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
