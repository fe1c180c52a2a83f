"""A job that this worker holds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import TimerHandle

    from bullmq_bridge.outcome import Outcome
    from bullmq_bridge.protocol.job import JobRecord
    from bullmq_bridge.worker.pool import Pool
    from bullmq_bridge.worker.recovery import Identity


class ActiveJob:
    """A job under our lock.

    ``pool``: what runs it; None if nothing does: it has no processor, or is only held to be handed back.
    ``line``: of a slot that may have told Redis by itself that the job has completed, when nobody knows whether it
    has: the connection over which it would have.
    ``missed``: its lock was not found; it may just have ended.

    ``settling``: how it ended is known and on its way to Redis; the lock is renewed until the answer is here.
    ``moving``: whether it moves is on its way to Redis, while it runs; ``outcome``: how it ended meanwhile.
    ``moved``: the processor has moved it while it ran; only the slot is still occupied.
    ``successor``: the next run of a job that was moved, which has come back before this one has ended.
    """

    settling = False
    line: Identity | None = None
    missed = False
    moving = False
    outcome: Outcome | None = None
    moved = False
    successor: ActiveJob | None = None
    timers: tuple[TimerHandle, ...] = ()

    def __init__(self, record: JobRecord, token: str, slot: int, pool: Pool | None) -> None:
        self.record = record
        self.token = token
        self.slot = slot
        self.pool = pool
        self.renewed_at = time.monotonic()

    def stop_timers(self) -> None:
        """Its time limits do not matter any more."""
        for timer in self.timers:
            timer.cancel()
        self.timers = ()
