"""How one run of a job ended, as a value.

A processor returns (``Completed``) or raises (``Failed``); one function, ``worker.settlement.settle``, maps the
outcome to the script that tells Redis.
"""

from __future__ import annotations

import json
import traceback
from dataclasses import dataclass
from enum import Enum

FAILURE_FIELD = "bridgeFailure"
"""The one field of ours in a job's hash: why the last attempt failed, as JSON."""


class FailureKind(str, Enum):
    """Why an attempt failed. Recorded with the job; Node reads it with ``readFailure``."""

    #: The processor raised.
    RAISED = "raised"
    #: Data or result break the contract; never tried again.
    CONTRACT_VIOLATION = "contract_violation"
    #: The worker has no processor of that name, or the job has no readable name or data.
    UNKNOWN_JOB = "unknown_job"
    #: The process that ran the job died: a signal, or an exit nobody asked for.
    CRASHED = "crashed"
    #: The queue decided before the job ran: stalled too often, or a child failed.
    DEFERRED = "deferred"


class Unrecoverable(Exception):
    """Raise it in a processor to fail the job for good, whatever attempts are left."""


@dataclass(frozen=True, slots=True)
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
    """

    kind: FailureKind
    message: str
    error: str
    trace: str
    retry: bool
    paths: tuple[str, ...] = ()

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


Outcome = Completed | Failed


def raised(error: BaseException) -> Failed:
    """The outcome of a processor that raised ``error``."""
    name = type(error).__name__
    return Failed(
        kind=FailureKind.RAISED,
        message=well_formed(str(error)) or name,
        error=name,
        trace=well_formed(format_error(error)),
        retry=not isinstance(error, Unrecoverable),
    )


def refused(kind: FailureKind, message: str, paths: tuple[str, ...] = ()) -> Failed:
    """The outcome of a job that is failed for good without an exception of the processor's."""
    text = well_formed(message)
    return Failed(kind=kind, message=text, error=kind.value, trace=f"{kind.value}: {text}", retry=False, paths=paths)


def format_error(error: BaseException) -> str:
    """A traceback as Python prints it, without the frames of this library above the processor's."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals.get("__name__", "").startswith("bullmq_bridge."):
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace)).rstrip()


def well_formed(text: str) -> str:
    """The text with lone surrogates replaced: UTF-8, and so Redis, cannot carry them."""
    return text.encode("utf-8", "replace").decode("utf-8")
