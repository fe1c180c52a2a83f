"""When to ask the queue for jobs, and for how many."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from bullmq_bridge.protocol.job import JobRecord
from bullmq_bridge.protocol.replies import NoJob, parse_fetched
from bullmq_bridge.worker.call import FetchCall, PassingCall
from bullmq_bridge.worker.clock import now_ms
from bullmq_bridge.worker.connection import ReplyError
from bullmq_bridge.worker.marker import Marker

if TYPE_CHECKING:
    from collections.abc import Callable

    from bullmq_bridge.protocol.calls import ScriptCalls
    from bullmq_bridge.worker.link import Line
    from bullmq_bridge.worker.settings import Settings

logger = logging.getLogger("bullmq_bridge.worker")

#: Longest single wait for a rate limit, so that delayed jobs are promoted meanwhile (Node: maximumRateLimitDelay).
MAX_RATE_LIMIT_WAIT_S = 30.0
#: Wait after a fetch that Redis answered with an error.
ERROR_DELAY_MS = 1000
UNBLOCK_TIMEOUT_S = 1.0


class Fetcher:
    """Gives jobs to free slots.

    Jobs come in three ways: the call that settles a job brings the next one for the same slot (see ``Engine``);
    after a wake-up this class asks for 1, 2, 4, … jobs until an answer comes back empty; and when the queue is empty
    one wait, for the marker, for a rate limit to end or for a delayed job to fall due, leads to the next wake-up.

    Args:
        on_job: called with a job that was fetched, its token and its slot.
        on_answer: called after each answer to a fetch was dealt with.
        on_drained: called when the queue turns out to have nothing for us, after it had.
    """

    def __init__(
        self,
        settings: Settings,
        calls: ScriptCalls,
        line: Line,
        worker_id: str,
        on_job: Callable[[JobRecord, str, int], None],
        on_answer: Callable[[], None],
        on_drained: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._calls = calls
        self._line = line
        self._worker_id = worker_id
        self._on_job = on_job
        self._on_answer = on_answer
        self._on_drained = on_drained
        self._drained = False
        self._marker = Marker(settings, calls.keys.marker, calls.keys.client_name(settings.name))
        # Slots that can run a job, those of them that have none, and those for which an answer is on its way.
        self._ready: set[int] = set()
        self._free: dict[int, None] = {}
        self._fetching: set[int] = set()
        # Slots that were given up and still run a job: so many of the others must stay without one.
        self._leaving: set[int] = set()
        self._ramp = 1
        self._found_all = True
        self._news = False
        self._tokens = 0
        self._limited_until = 0.0
        self._limit_timer: asyncio.TimerHandle | None = None
        self._hold_timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._due_timer: asyncio.TimerHandle | None = None
        self._waiting: asyncio.Task[None] | None = None
        self._paused = False
        self._loop = asyncio.get_running_loop()

    async def open(self) -> None:
        """Lets Node see the worker."""
        await self._marker.show()

    # Slots

    @property
    def is_fetching(self) -> bool:
        """Whether an answer that may bring a job is on its way."""
        return bool(self._fetching)

    @property
    def is_drained(self) -> bool:
        """Whether the queue had nothing for us when it was last asked."""
        return self._drained

    def is_ready(self, slot: int) -> bool:
        """Whether the slot may be given a next job."""
        return (
            slot in self._ready
            and not self._paused
            and self._hold_timer is None
            and len(self._leaving) <= len(self._free)
        )

    def add(self, slot: int, free: bool = True) -> None:
        """The slot can run jobs; ``free``: it has none at the moment."""
        self._ready.add(slot)
        self._leaving.discard(slot)
        if free and slot not in self._fetching:
            self._free[slot] = None
            self.wake()

    def remove(self, slot: int) -> None:
        """The slot cannot run jobs until it is added again."""
        self._ready.discard(slot)
        self._free.pop(slot, None)

    def give_up(self, slot: int, busy: bool) -> None:
        """There is no such slot any more; ``busy``: its job goes on."""
        self.remove(slot)
        if busy:
            self._leaving.add(slot)

    def release(self, slot: int) -> None:
        """The slot's job has ended. What happens next is for ``note`` or ``look`` to say."""
        self._leaving.discard(slot)
        if slot in self._ready:
            self._free[slot] = None

    # Fetching

    def wake(self) -> None:
        """Fetches, unless somebody is fetching or waiting for work already."""
        if self._waiting is None and not self._fetching:
            self.look()

    def look(self) -> None:
        """Asks the queue, even if it was asked a moment ago: there may be news since."""
        if self._fetching:
            self._news = True
        elif self._limit_timer is None:
            self._ramp = 1
            self._fetch()

    def had_job(self) -> None:
        """The queue has given us a job."""
        self._drained = False

    def note(self, no_job: NoJob) -> None:
        """Takes an answer without a job: when to ask again. Then waits, if nobody fetches."""
        self._remember(no_job)
        if not self._fetching:
            self._wait()

    def hold(self, ttl_ms: int) -> None:
        """Asks for nothing for so long, whatever the queue has."""
        self.end_hold()
        self._hold_timer = self._loop.call_later(ttl_ms / 1000, self._hold_is_over)

    def end_hold(self) -> None:
        """Leaves it to the queue again what may start."""
        if self._hold_timer is not None:
            self._hold_timer.cancel()
            self._hold_timer = None

    async def pause(self) -> None:
        """Fetches no more, and ends the wait without losing a marker that is popped at this very moment."""
        self._paused = True
        for timer in (self._limit_timer, self._due_timer):
            if timer is not None:
                timer.cancel()
        self._limit_timer = self._due_timer = None
        waiting = self._waiting
        if waiting is not None and self._marker.client_id is not None:
            self._line.send(PassingCall(("CLIENT", "UNBLOCK", self._marker.client_id)))
            await asyncio.wait([waiting], timeout=UNBLOCK_TIMEOUT_S)
        if waiting is not None:
            waiting.cancel()
        if self._waiting is waiting:
            self._waiting = None

    def resume(self) -> None:
        """Fetches again after ``pause``."""
        self._paused = False
        self.wake()

    def close(self) -> None:
        """Gives the blocking connection back; ``pause`` must have been called."""
        self.end_hold()
        self._marker.close()

    def _fetch(self) -> None:
        if not self._may_start() or not self._line.is_writable:
            return
        self._found_all = True
        for _ in range(min(self._ramp, len(self._free) - len(self._leaving))):
            slot = next(iter(self._free))
            del self._free[slot]
            self._fetching.add(slot)
            self._tokens += 1
            token = f"{self._worker_id}:{self._tokens}"
            command = self._calls.move_to_active(token, now_ms())
            self._line.send(FetchCall(command, partial(self._fetched, slot, token), token))
        self._ramp *= 2

    def _may_start(self) -> bool:
        """Whether there is a slot for a job, and nothing keeps it empty."""
        return len(self._free) > len(self._leaving) and not self._paused and self._hold_timer is None

    def _fetched(self, slot: int, token: str, reply: Any) -> None:
        self._fetching.discard(slot)
        fetched = self._read(reply)
        if isinstance(fetched, JobRecord):
            self.had_job()
            self._on_job(fetched, token, slot)
        else:
            self._found_all = False
            self._remember(fetched)
            self.release(slot)
        if not self._fetching:
            self._go_on()
        self._on_answer()

    def _go_on(self) -> None:
        if self._news:
            self._news = False
            self.look()
        elif self._free and self._found_all:
            self._fetch()
        else:
            self._wait()

    def _read(self, reply: Any) -> JobRecord | NoJob:
        if not isinstance(reply, ReplyError):
            return parse_fetched(reply)
        logger.error("queue %s: Redis answered an error while fetching: %s", self._settings.queue, reply)
        return NoJob(limited_ms=ERROR_DELAY_MS)

    def _remember(self, no_job: NoJob) -> None:
        self._limited_until = time.time() + no_job.limited_ms / 1000 if no_job.limited_ms else 0.0
        if no_job.delay_until:
            self._arm_due(no_job.delay_until / 1000)

    # Waiting

    def _wait(self) -> None:
        if not self._may_start() or not self._line.is_writable:
            return
        limited_s = self._limited_until - time.time()
        if limited_s > 0:
            if self._limit_timer is None:
                delay = min(limited_s, MAX_RATE_LIMIT_WAIT_S)
                self._limit_timer = self._loop.call_later(delay, self._limit_is_over)
            return
        if self._waiting is None:
            self._waiting = self._loop.create_task(self._wait_for_marker())
        if not self._drained:
            self._drained = True
            self._on_drained()

    def _hold_is_over(self) -> None:
        self._hold_timer = None
        self.wake()

    def _limit_is_over(self) -> None:
        self._limit_timer = None
        self.wake()

    def _arm_due(self, due: float) -> None:
        """Looks when the next delayed job is due (epoch seconds).

        A timer of ours and not the server's block timeout, which comes up to 100 ms late (``hz`` 10).
        """
        if self._due_timer is not None:
            if self._due <= due:
                return
            self._due_timer.cancel()
        self._due = due
        self._due_timer = self._loop.call_later(max(due - time.time(), 0), self._due_now)

    def _due_now(self) -> None:
        self._due_timer = None
        self.look()

    async def _wait_for_marker(self) -> None:
        """Blocks until there is work. Only one such wait at a time, and never without a free slot."""
        while True:
            popped = await self._marker.wait(self._settings.drain_delay_s)
            if popped is None:
                break
            member, score = popped
            due = score / 1000
            if self._paused or (due <= time.time() and not self._may_start()):
                # We cannot take what it announces: the next worker must find it.
                self._line.send(PassingCall(("ZADD", self._calls.keys.marker, score, member)))
                break
            if due <= time.time():
                break
            self._arm_due(due)
        self._waiting = None
        self.look()
