"""How one run of a job ended, as a value.

What a processor returns or raises becomes one of these; one function, ``worker.settlement.settle``, maps the outcome
to the script that tells Redis.
"""

from __future__ import annotations

import json
import traceback
from dataclasses import dataclass
from enum import Enum

from bullmq_bridge.contract.limits import MAX_STACK_BYTES, cut
from bullmq_bridge.directive import (
    Cancel,
    ChildFailed,
    Departed,
    RateLimited,
    Retry,
    Snooze,
    TimeLimitExceeded,
    Unrecoverable,
    WaitForChildren,
)

FAILURE_FIELD = "bridgeFailure"
"""The one field of ours in a job's hash: why the last attempt failed, as JSON."""


class FailureKind(str, Enum):
    """Why an attempt failed. Recorded with the job; Node reads it with ``readFailure``."""

    #: The processor raised.
    RAISED = "raised"
    #: The job was not wanted any more: ``Cancel``, or ``Worker.cancel``.
    CANCELLED = "cancelled"
    #: It ran longer than its time limit.
    TIMED_OUT = "timed_out"
    #: The process that ran it was killed for its memory.
    KILLED_MEMORY = "killed_memory"
    #: Data or result break the contract; never tried again.
    CONTRACT_VIOLATION = "contract_violation"
    #: The worker has no processor of that name, or the job has no readable name or data.
    UNKNOWN_JOB = "unknown_job"
    #: The process that ran the job died: a signal, or an exit nobody asked for.
    CRASHED = "crashed"
    #: The queue decided before the job ran: stalled too often, or a child failed.
    DEFERRED = "deferred"


@dataclass(slots=True)
class Completed:
    """The processor returned. ``result`` is its return value as JSON text, checked against the contract."""

    result: bytes


@dataclass(frozen=True, slots=True)
class Failed:
    """The attempt failed.

    Args:
        kind: why.
        message: one text for people; Node sees it as ``failedReason``.
        error: name of the exception's class, or of the kind.
        trace: what goes to the job's stack traces.
        retry: whether attempts that are left may be used.
        paths: JSON pointers of what breaks the contract.
        delay_ms: wait before the next attempt, instead of the job's backoff.
    """

    kind: FailureKind
    message: str
    error: str
    trace: str
    retry: bool
    paths: tuple[str, ...] = ()
    delay_ms: int | None = None

    def record(self, attempt: int) -> str:
        """The JSON text of the field ``bridgeFailure``; ``attempt`` counts from 1."""
        record: dict[str, object] = {
            "kind": self.kind.value,
            "type": self.error,
            "message": self.message,
            "attempt": attempt,
            "traceback": self.trace,
        }
        if self.paths:
            record["paths"] = list(self.paths)
        return json.dumps(record, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Snoozed:
    """The job runs again after ``delay_ms``; no attempt is charged."""

    delay_ms: int


@dataclass(frozen=True, slots=True)
class AwaitingChildren:
    """The job runs again when its children have finished; no attempt is charged."""


@dataclass(frozen=True, slots=True)
class Limited:
    """The job goes back, and the queue is held for ``ttl_ms``; no attempt is charged."""

    ttl_ms: int


@dataclass(frozen=True, slots=True)
class Moved:
    """The processor has moved the job itself: there is nothing left to tell."""


Outcome = Completed | Failed | Snoozed | AwaitingChildren | Limited | Moved


def outcome_of(error: BaseException) -> Outcome:
    """The outcome of a processor that raised ``error``, or returned a ``Directive``."""
    if isinstance(error, Snooze):
        return Snoozed(_ms(error.delay_s))
    if isinstance(error, WaitForChildren):
        return AwaitingChildren()
    if isinstance(error, RateLimited):
        return Limited(_ms(error.ttl_s))
    if isinstance(error, Departed):
        return Moved()
    if isinstance(error, Cancel):
        return refused(FailureKind.CANCELLED, str(error))
    if isinstance(error, ChildFailed):
        return refused(FailureKind.DEFERRED, str(error))
    name = type(error).__name__
    return Failed(
        kind=FailureKind.TIMED_OUT if isinstance(error, TimeLimitExceeded) else FailureKind.RAISED,
        message=cut(well_formed(_text(error)), MAX_STACK_BYTES) or name,
        error=name,
        trace=well_formed(format_error(error)),
        retry=not isinstance(error, Unrecoverable),
        delay_ms=_ms(error.delay_s) if isinstance(error, Retry) else None,
    )


def untold(error: BaseException) -> Failed:
    """The outcome of a job of which ``error`` keeps us from telling how it ended."""
    name = type(error).__name__
    message = f"how the job ended could not be told: {name}"
    return Failed(kind=FailureKind.RAISED, message=message, error=name, trace=message, retry=True)


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        # Of a class of the user's, whose text is in its hands.
        return ""


def _ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))


def refused(kind: FailureKind, message: str, paths: tuple[str, ...] = ()) -> Failed:
    """The outcome of a job that is failed for good without an exception of the processor's."""
    text = well_formed(message)
    return Failed(kind=kind, message=text, error=kind.value, trace=f"{kind.value}: {text}", retry=False, paths=paths)


def format_error(error: BaseException) -> str:
    """A traceback as Python prints it, less the frames of this library above the processor; cut when it is long."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals.get("__name__", "").startswith("bullmq_bridge."):
        trace = trace.tb_next
    return cut("".join(traceback.format_exception(type(error), error, trace)).rstrip(), MAX_STACK_BYTES)


def well_formed(text: str) -> str:
    """The text with lone surrogates replaced: UTF-8, and so Redis, cannot carry them."""
    return text.encode("utf-8", "replace").decode("utf-8")
