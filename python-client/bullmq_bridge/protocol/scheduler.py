"""The next iteration of a job scheduler, which the worker that starts one iteration must write.

As ``JobScheduler.upsertJobScheduler`` does it for a worker (bullmq 6.7.0).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bullmq_bridge.protocol.cron import next_run_ms
from bullmq_bridge.protocol.job_options import complete

if TYPE_CHECKING:
    from bullmq_bridge.protocol.job import JobRecord


@dataclass(frozen=True, slots=True)
class NextIteration:
    """What updateJobScheduler is told.

    Args:
        next_ms: when it is due; None where the script computes it.
        opts: the options of the job that it adds.
    """

    next_ms: int | None
    opts: dict[str, Any]


def next_iteration(record: JobRecord, now_ms: int, *, computes_every: bool = True) -> NextIteration | None:
    """The iteration after ``record``, or None where the schedule ends.

    Args:
        record: the job that starts.
        now_ms: now (epoch ms).
        computes_every: whether the script computes when an interval (``every``) is over; since it does (5.58.8), the
            start of the schedule stays in the options too.

    Raises:
        UnsupportedPattern: the cron pattern cannot be computed with certainty.
    """
    repeat = record.opts.get("repeat") or {}
    count = (repeat.get("count") or 0) + 1
    if repeat.get("limit") is not None and count > repeat["limit"]:
        return None
    end_ms = _epoch_ms(repeat.get("endDate"))
    if end_ms and now_ms > end_ms:
        return None
    every = repeat.get("every")
    if not every and not repeat.get("pattern"):
        return None
    after_ms = max(record.opts.get("prevMillis") or 0, now_ms)
    offset = None
    next_ms = None
    if not every:
        next_ms = _next_by_pattern(repeat, after_ms, end_ms)
        if next_ms is None:
            return None
    elif computes_every:
        offset = repeat.get("offset") or None
    else:
        # The slot after the one that this moment lies in; the offset is added to the job's delay (bullmq 5.58.0).
        next_ms = (after_ms // every + 1) * every
        offset = repeat.get("offset", after_ms % every)
    if not computes_every:
        repeat = {name: value for name, value in repeat.items() if name != "startDate"}
    return NextIteration(next_ms, _options(record, repeat, next_ms, count, offset, now_ms))


def _next_by_pattern(repeat: dict[str, Any], after_ms: int, end_ms: int | None) -> int | None:
    """As ``defaultRepeatStrategy`` and its caller do it; None where the schedule ends."""
    return next_run_ms(
        repeat["pattern"],
        after_ms,
        repeat.get("tz"),
        start_ms=_epoch_ms(repeat.get("startDate")),
        end_ms=end_ms,
        hash_seed=repeat.get("hashSeed"),
        strict=bool(repeat.get("strict")),
    )


def _options(
    record: JobRecord, repeat: dict[str, Any], next_ms: int | None, count: int, offset: int | None, now_ms: int
) -> dict[str, Any]:
    opts = {
        **complete(record.opts),
        # Node builds the id from a number that it does not have with ``every``; the script overrides it.
        "jobId": f"repeat:{record.scheduler_id}:{'undefined' if next_ms is None else next_ms}",
        "delay": 0 if next_ms is None else max(next_ms + (offset or 0) - now_ms, 0),
        "timestamp": now_ms,
        "prevMillis": next_ms,
        "repeatJobKey": record.scheduler_id,
    }
    kept = {name: value for name, value in repeat.items() if name != "immediately"}
    dates = {name: _epoch_ms(repeat.get(name)) for name in ("startDate", "endDate")}
    opts["repeat"] = _without_none({**kept, **dates, "offset": offset, "count": count})
    return _without_none(opts)


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _epoch_ms(date: Any) -> int | None:
    """A date of JavaScript's: ms since the epoch, or ISO text."""
    if date is None or isinstance(date, int):
        return date
    if isinstance(date, float):
        return int(date)
    return int(datetime.fromisoformat(str(date).replace("Z", "+00:00")).timestamp() * 1000)
