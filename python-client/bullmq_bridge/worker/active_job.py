"""A job that this worker holds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import TimerHandle

    from bullmq_bridge.outcome import Outcome
    from bullmq_bridge.protocol.job import JobRecord
    from bullmq_bridge.worker.recovery import Identity


class ActiveJob:
    """A job under our lock.

    ``line``: of a slot that may have told Redis by itself that the job has completed, when nobody knows whether it
    has: the connection over which it would have.
    ``missed``: its lock was not found; it may just have ended.

    ``settling``: how it ended is known and on its way to Redis; the lock is renewed until the answer is here.
    ``moving``: whether it moves is on its way to Redis, while it runs; ``outcome``: how it ended meanwhile.
    ``moved``: the processor has moved it while it ran; only the slot is still occupied.
    ``successor``: the next run of a job that was moved, which has come back before this one has ended.
    """

    __slots__ = (
        "line",
        "missed",
        "moved",
        "moving",
        "outcome",
        "record",
        "renewed_at",
        "settling",
        "slot",
        "successor",
        "timers",
        "token",
    )

    def __init__(self, record: JobRecord, token: str, slot: int) -> None:
        self.record = record
        self.token = token
        self.slot = slot
        self.renewed_at = time.monotonic()
        self.settling = False
        self.line: Identity | None = None
        self.missed = False
        self.moving = False
        self.outcome: Outcome | None = None
        self.moved = False
        self.successor: ActiveJob | None = None
        self.timers: list[TimerHandle] = []

    def stop_timers(self) -> None:
        """Its time limits do not matter any more."""
        for timer in self.timers:
            timer.cancel()
        self.timers.clear()
