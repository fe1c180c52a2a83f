"""Looking for jobs whose worker vanished."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from bullmq_bridge.worker.call import PassingCall
from bullmq_bridge.worker.clock import now_ms
from bullmq_bridge.worker.connection import ReplyError

if TYPE_CHECKING:
    from bullmq_bridge.protocol.calls import ScriptCalls
    from bullmq_bridge.worker.events import Events
    from bullmq_bridge.worker.link import Line
    from bullmq_bridge.worker.settings import Settings


class StalledCheck:
    """Runs moveStalledJobsToWait at the start and every interval; one worker of a queue does it each time."""

    def __init__(self, settings: Settings, calls: ScriptCalls, line: Line, events: Events) -> None:
        self._settings = settings
        self._calls = calls
        self._line = line
        self._events = events
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    def start(self) -> None:
        """Checks now, and then every interval."""
        interval_ms = self._settings.stalled_interval_ms
        self._timer = self._loop.call_later(interval_ms / 1000, self.start)
        if self._line.is_connected:
            command = self._calls.move_stalled_jobs(self._settings.max_stalled_count, now_ms(), interval_ms)
            self._line.send(PassingCall(command, self._checked))

    def stop(self) -> None:
        """Checks no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _checked(self, reply: Any) -> None:
        if isinstance(reply, ReplyError):
            self._events.emit("error", what=f"looking for stalled jobs: {reply}")
            return
        for job_id in reply:
            self._events.emit("stalled", job_id=job_id.decode("utf-8", "replace"))
