"""Whether the backend still runs the BullMQ that the worker's scripts are of."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from bullmq_bridge.protocol.mismatch import VERSION_FIELD, VersionMismatch, judge
from bullmq_bridge.worker.call import PassingCall
from bullmq_bridge.worker.connection import ReplyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bullmq_bridge.protocol.calls import ScriptCalls
    from bullmq_bridge.worker.events import Events
    from bullmq_bridge.worker.link import Line

#: A deploy of the backend is noticed within this time.
INTERVAL_S = 60.0


class VersionCheck:
    """Reads what the backend has written into the queue, at the start and every minute.

    Args:
        calls: the queue's script calls; the version is that of their bundle.
        allowed: see ``Settings.allow_version_mismatch``.
        on_refusal: called when these scripts must not be run on the queue.
    """

    def __init__(
        self,
        calls: ScriptCalls,
        line: Line,
        events: Events,
        allowed: bool,
        on_refusal: Callable[[VersionMismatch], None],
    ) -> None:
        self._bullmq = calls.bullmq
        self._command = ("HGET", calls.keys.meta, VERSION_FIELD)
        self._line = line
        self._events = events
        self._allowed = allowed
        self._on_refusal = on_refusal
        # Said once for each version: in a rolling deploy the field changes to and fro.
        self._seen: set[bytes | None] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    async def before_work(self) -> None:
        """Compares now."""
        try:
            written = await self._line.ask(*self._command)
        except ReplyError as error:
            written = error
        self._compare(written)

    def start(self) -> None:
        """Compares every interval from now on."""
        self._timer = self._loop.call_later(INTERVAL_S, self._again)

    def stop(self) -> None:
        """Compares no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _again(self) -> None:
        self.start()
        if self._line.is_connected:
            self._line.send(PassingCall(self._command, self._compare))

    def _compare(self, written: Any) -> None:
        if isinstance(written, ReplyError):
            self._events.emit("error", what=f"reading the backend's version: {written}")
            return
        if written in self._seen:
            return
        self._seen.add(written)
        text = None if written is None else written.decode("utf-8", "replace")
        verdict = judge(self._bullmq, text, allowed=self._allowed)
        if verdict.consequence != "silence":
            self._events.emit("backend_version", verdict=verdict)
        if verdict.consequence == "refusal":
            self._on_refusal(VersionMismatch(f"queue {self._command[1]}: {verdict.message}"))
