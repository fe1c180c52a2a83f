"""What the scripts answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bullmq_bridge.protocol.job import JobRecord, parse_job

#: Negative replies of the scripts (``enums/error-code.js``, bullmq 6.7.0).
JOB_MISSING = -1
LOCK_MISSING = -2
NOT_ACTIVE = -3
PENDING_CHILDREN = -4
LOCK_MISMATCH = -6
FAILED_CHILDREN = -9
#: moveToWaitingChildren: there is nothing to wait for.
NO_CHILD_PENDING = 1

MEANINGS = {
    JOB_MISSING: "the job's hash is gone",
    LOCK_MISSING: "its lock is gone (it expired, or somebody else finished the job)",
    NOT_ACTIVE: "the job is not active any more",
    PENDING_CHILDREN: "the job has children that are not finished",
    LOCK_MISMATCH: "another worker holds its lock",
    FAILED_CHILDREN: "at least one child failed",
}


@dataclass(slots=True)
class NoJob:
    """The answer of a script that found no job: when to ask again.

    ``limited_ms``: the queue is rate limited for that long. ``delay_until``: when the next delayed job is due
    (epoch ms). Both 0: nothing to do until the marker says so.
    """

    limited_ms: int = 0
    delay_until: float = 0.0


NOTHING = NoJob()


def parse_fetched(reply: Any) -> JobRecord | NoJob:
    """Reads ``[fields | 0, id | 0, limitTtl, delayUntil]``, or 0 from an ack that fetched nothing."""
    if not isinstance(reply, list):
        return NOTHING
    fields, job_id, limited, delay_until = reply
    if fields:
        return parse_job(job_id, fields)
    return NoJob(limited_ms=max(int(limited), 0), delay_until=max(float(delay_until), 0.0))
