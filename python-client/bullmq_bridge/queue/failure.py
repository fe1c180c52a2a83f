"""Why an attempt of a job failed, as this library's worker recorded it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bullmq_bridge.outcome import FAILURE_FIELD

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Failure:
    """The record of a failed attempt.

    Args:
        kind: why: a value of ``FailureKind``.
        type: name of the exception's class, or the kind.
        message: the same text as the job's ``failed_reason``.
        attempt: which attempt failed, from 1.
        traceback: as Python prints it.
        paths: JSON pointers of what breaks the contract.
    """

    kind: str
    type: str
    message: str
    attempt: int
    traceback: str | None = None
    paths: tuple[str, ...] = ()


def parse_failure(fields: Mapping[bytes, bytes]) -> Failure | None:
    """The record in a job's hash, when it is one and tells of the attempt that the hash itself tells of.

    Neither BullMQ's ``retry`` nor a worker of Node clears it, so that it may be one of an earlier attempt.
    """
    record = fields.get(FAILURE_FIELD.encode())
    try:
        parsed = json.loads(record) if record else None
        if not isinstance(parsed, dict):
            return None
        failure = Failure(
            kind=str(parsed["kind"]),
            type=str(parsed["type"]),
            message=str(parsed["message"]),
            attempt=int(parsed["attempt"]),
            traceback=parsed.get("traceback"),
            paths=tuple(str(path) for path in parsed.get("paths") or ()),
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    reason = fields.get(b"failedReason", b"").decode("utf-8", "replace")
    attempts_made = fields.get(b"atm", b"")
    return failure if failure.message == reason and str(failure.attempt).encode() == attempts_made else None
