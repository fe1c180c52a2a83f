"""Looking for jobs whose worker vanished."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from bullmq_bridge.worker.call import PassingCall
from bullmq_bridge.worker.clock import now_ms
from bullmq_bridge.worker.connection import ReplyError

if TYPE_CHECKING:
    from bullmq_bridge.protocol.calls import ScriptCalls
    from bullmq_bridge.worker.link import Link
    from bullmq_bridge.worker.settings import Settings

logger = logging.getLogger("bullmq_bridge.worker")


class StalledCheck:
    """Runs moveStalledJobsToWait at the start and every interval; one worker of a queue does it each time."""

    def __init__(self, settings: Settings, calls: ScriptCalls, link: Link) -> None:
        self._settings = settings
        self._calls = calls
        self._link = link
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    def start(self) -> None:
        """Checks now, and then every interval."""
        interval_ms = self._settings.stalled_interval_ms
        self._timer = self._loop.call_later(interval_ms / 1000, self.start)
        if self._link.is_connected:
            command = self._calls.move_stalled_jobs(self._settings.max_stalled_count, now_ms(), interval_ms)
            self._link.send(PassingCall(command, self._checked))

    def stop(self) -> None:
        """Checks no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _checked(self, reply: Any) -> None:
        queue = self._settings.queue
        if isinstance(reply, ReplyError):
            logger.error("queue %s: Redis answered an error while looking for stalled jobs: %s", queue, reply)
            return
        for job_id in reply:
            logger.warning("job %s of queue %s had stalled: its worker vanished", job_id.decode(), queue)
