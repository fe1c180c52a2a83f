"""A job as its Redis hash describes it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(slots=True)
class JobRecord:
    """The fields of a job's hash that a worker needs.

    ``data`` stays the JSON text that the producer wrote: whoever runs the job decodes it.
    ``name`` is None when the hash was gone: the scripts then make one that has ``ats`` and ``processedOn`` only.
    """

    id: str
    name: str | None
    data: bytes | None
    opts: dict[str, Any]
    attempts_made: int = 0
    attempts_started: int = 0
    stalled_count: int = 0
    priority: int = 0
    timestamp: int = 0
    processed_on: int = 0
    deferred_failure: str | None = None
    scheduler_id: str | None = None
    parent_key: str | None = None
    stacktrace: tuple[str, ...] = ()
    #: Under which a worker holds its lock; empty for a job that nobody holds.
    token: str = ""


def parse_job(job_id: bytes | str, fields: Sequence[bytes]) -> JobRecord:
    """A job from the flat field/value list of ``HGETALL`` (field names: bullmq 6.7.0, ``rawToJobJson``)."""
    raw = dict(zip(fields[::2], fields[1::2], strict=True))
    return JobRecord(
        id=_text(job_id) or "",
        name=_text(raw.get(b"name")),
        data=raw.get(b"data"),
        opts=_options(raw.get(b"opts")),
        attempts_made=_integer(raw.get(b"atm") or raw.get(b"attemptsMade")),
        attempts_started=_integer(raw.get(b"ats")),
        stalled_count=_integer(raw.get(b"stc")),
        priority=_integer(raw.get(b"priority")),
        timestamp=_integer(raw.get(b"timestamp")),
        processed_on=_integer(raw.get(b"processedOn")),
        deferred_failure=_text(raw.get(b"defa")),
        scheduler_id=_text(raw.get(b"rjk")),
        parent_key=_text(raw.get(b"parentKey")),
        stacktrace=_stacktrace(raw.get(b"stacktrace")),
    )


def _text(value: bytes | str | None) -> str | None:
    # Node's own reader replaces what is not UTF-8; refusing it here would leave the job without a worker.
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _integer(value: bytes | None) -> int:
    try:
        return int(float(value)) if value else 0
    except (ValueError, OverflowError):
        return 0


def _options(value: bytes | None) -> dict[str, Any]:
    try:
        options = json.loads(value) if value else {}
    except (ValueError, RecursionError):
        return {}
    return options if isinstance(options, dict) else {}


def _stacktrace(value: bytes | None) -> tuple[str, ...]:
    if not value:
        return ()
    try:
        traces = json.loads(value)
    except (ValueError, RecursionError):
        return ()
    return tuple(str(trace) for trace in traces) if isinstance(traces, list) else ()
