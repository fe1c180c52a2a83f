"""A job that is about to be added."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bullmq_bridge.protocol.job_options import FAILURE_POLICIES

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class ParentReference:
    """A parent job, as a child names it.

    Args:
        id: the parent's id.
        queue_key: ``<prefix>:<queue>`` of the parent's queue.
    """

    id: str
    queue_key: str

    @property
    def key(self) -> str:
        """The parent's hash."""
        return f"{self.queue_key}:{self.id}"


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job as it goes to the scripts.

    Args:
        name: the job's name.
        data: JSON text.
        options: by BullMQ's full names, complete.
        timestamp_ms: when it was made (epoch ms).
        id: its id; None lets the queue's counter give one.
        parent: the job that waits for it.
    """

    name: str
    data: bytes
    options: Mapping[str, Any] = field(default_factory=dict)
    timestamp_ms: int = 0
    id: str | None = None
    parent: ParentReference | None = None

    @property
    def deduplication_id(self) -> str | None:
        """What it is deduplicated by."""
        deduplication = self.options.get("deduplication")
        return deduplication["id"] if deduplication else None

    def parent_map(self) -> dict[str, Any] | None:
        """What the child's hash keeps of its parent, with what becomes of the parent when the child fails."""
        if self.parent is None:
            return None
        policies = {short: True for long, short in FAILURE_POLICIES.items() if self.options.get(long)}
        return {"id": self.parent.id, "queueKey": self.parent.queue_key, **policies}
