"""What happens in a worker, told to whoever listens: logging, metrics, error reporters."""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bullmq_bridge.protocol.job import JobRecord

logger = logging.getLogger("bullmq_bridge.worker")

EventName = Literal[
    "ready",  # slots
    "active",  # a job starts
    "progress",  # progress (JSON text)
    "completed",  # result (JSON text)
    "failed",  # failure (Failed), state: where the job went; "failed" is final
    "snoozed",  # delay_ms
    "waiting_children",
    "rate_limited",  # ttl_ms
    "stalled",  # job_id of a job whose worker vanished
    "drained",  # the queue has nothing for us now
    "lock_lost",  # why: the job is not ours any more
    "interrupted",  # the job was stopped and handed back
    "child_lost",  # slot, how: a process slot ended unasked
    "paused",
    "resumed",
    "closing",
    "closed",
    "backend_version",  # verdict (Verdict): the backend's BullMQ is not the bundle's, or not known
    "error",  # what went wrong that is nobody's job
]


@dataclass(frozen=True, slots=True)
class Event:
    """One event. ``job`` is there when it is about a job; ``details`` are those of ``EventName``."""

    name: EventName
    queue: str
    job: JobRecord | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


class Events:
    """The bus of one worker. Listeners run on the engine's event loop and must not block it."""

    def __init__(self, queue: str) -> None:
        self._queue = queue
        self._listeners: dict[str, list[Callable[[Event], object]]] = defaultdict(list)

    def on(self, name: EventName, listener: Callable[[Event], object]) -> None:
        """Calls ``listener`` at each event of that name."""
        self._listeners[name].append(listener)

    def hears(self, *names: EventName) -> bool:
        """Whether somebody listens to one of these events."""
        return not self._listeners.keys().isdisjoint(names)

    def emit(self, name: EventName, job: JobRecord | None = None, **details: Any) -> None:
        """Tells the listeners. One that raises is logged and does not disturb the others."""
        if name not in self._listeners:
            return
        event = Event(name, self._queue, job, details)
        for listener in self._listeners[name]:
            try:
                listener(event)
            except Exception:
                logger.exception("a listener of %r of queue %s raised", name, self._queue)
