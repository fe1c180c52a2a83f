"""How a run under test ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bullmq_bridge.queue.failure import Failure


@dataclass(frozen=True, slots=True)
class JobRun:
    """What Redis would have been told.

    Attributes:
        state: where the job goes: ``completed``, ``failed``, ``delayed``, ``wait`` or ``waiting-children``.
        result: the result as Node reads it; None unless the job completed.
        failure: why the attempt failed, as Node's ``readFailure`` tells it; None unless it did.
        delay_ms: how long a delayed job waits, or for how long the queue is held by ``RateLimited``.
        attempts_made: attempts that have ended, this one included if it is charged: for the next run of the same job.
        data: the job's data for its next run.
        progress: what the job reported, in order.
        log: the lines that it logged.
    """

    state: str
    attempts_made: int
    data: Any
    progress: tuple[Any, ...]
    log: tuple[str, ...]
    result: Any = None
    failure: Failure | None = None
    delay_ms: int | None = None
