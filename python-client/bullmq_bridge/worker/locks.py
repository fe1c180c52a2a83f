"""Keeping the locks of the jobs that run."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from bullmq_bridge.worker.call import PassingCall
from bullmq_bridge.worker.connection import ReplyError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bullmq_bridge.protocol.calls import ScriptCalls
    from bullmq_bridge.worker.active_job import ActiveJob
    from bullmq_bridge.worker.link import Line

logger = logging.getLogger("bullmq_bridge.worker")


class Locks:
    """Renews the lock of every job each quarter of its duration, until the job's end has been answered.

    Args:
        active: the jobs, by id; others add and remove them.
        on_lost: called with a job whose lock turned out not to be ours any more.
    """

    def __init__(
        self,
        calls: ScriptCalls,
        line: Line,
        active: Mapping[str, ActiveJob],
        on_lost: Callable[[ActiveJob], None],
    ) -> None:
        self._calls = calls
        self._line = line
        self._active = active
        self._on_lost = on_lost
        self._interval_s = calls.lock_duration_ms / 4000
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    def start(self) -> None:
        """Begins to renew."""
        self._timer = self._loop.call_later(self._interval_s, self._tick)

    def stop(self) -> None:
        """Renews no more."""
        if self._timer is not None:
            self._timer.cancel()

    def renew_all(self) -> None:
        """Renews every lock now: after a time without connection."""
        self._renew(list(self._active.values()))

    def _tick(self) -> None:
        self._timer = self._loop.call_later(self._interval_s, self._tick)
        now = time.monotonic()
        self._renew([job for job in self._active.values() if now - job.renewed_at >= self._interval_s])

    def _renew(self, jobs: list[ActiveJob]) -> None:
        if not jobs or not self._line.is_connected:
            return
        now = time.monotonic()
        for job in jobs:
            job.renewed_at = now
        command = self._calls.extend_locks([job.record.id for job in jobs], [job.token for job in jobs])
        self._line.send(PassingCall(command, partial(self._renewed, jobs)))

    def _renewed(self, jobs: list[ActiveJob], reply: Any) -> None:
        if isinstance(reply, ReplyError):
            logger.error("queue %s: Redis answered an error while renewing locks: %s", self._calls.keys.queue, reply)
            return
        lost = {job_id.decode("utf-8", "replace") for job_id in reply}
        for job in jobs:
            # While its end is under way, a missing lock only says that the end was applied.
            if job.record.id in lost and not job.settling and self._active.get(job.record.id) is job:
                self._on_lost(job)
