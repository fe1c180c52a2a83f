"""What a slot tells about a job that it has ended by itself, over its own line to Redis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bullmq_bridge.outcome import Outcome
    from bullmq_bridge.worker.recovery import Identity


@dataclass(slots=True)
class Ended:
    """Redis was told that the job has completed, and has answered.

    Args:
        passed: a slot may have ended others since it was last heard: the result of each, in order, with the reply that
            brought the next one. What follows is about the last.
        result: the result as JSON text.
        reply: what Redis answered, as of a settling call that fetches the next job. Whether the slot runs that one
            already is for its pool to say (``Pool.has_begun``).
    """

    passed: list[tuple[bytes, Any]]
    result: bytes
    reply: Any


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Redis may have been told that the job has completed.

    Args:
        otherwise: how the job ended if it was not told.
        line: by which the server can end it.
    """

    otherwise: Outcome
    line: Identity
