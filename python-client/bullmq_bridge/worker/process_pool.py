"""Slots for plain functions: a child process each."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
from functools import partial
from typing import TYPE_CHECKING

from bullmq_bridge.worker.child_process import STOP_TIMEOUT_S, Child
from bullmq_bridge.worker.ending import Ending, killed_for_memory
from bullmq_bridge.worker.lent_line import open_line
from bullmq_bridge.worker.memory import resident_mib
from bullmq_bridge.worker.pool import StartFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from bullmq_bridge.outcome import Outcome
    from bullmq_bridge.protocol.job import JobRecord
    from bullmq_bridge.worker.job import ChildJobPort
    from bullmq_bridge.worker.logs import LogFormat
    from bullmq_bridge.worker.own_ending import Ended, Unanswered
    from bullmq_bridge.worker.own_jobs import OwnJobs
    from bullmq_bridge.worker.recovery import Identity
    from bullmq_bridge.worker.settings import Settings
    from bullmq_bridge.worker.target import Target

logger = logging.getLogger("bullmq_bridge.worker")

FIRST_RESTART_DELAY_S = 0.5
MAX_RESTART_DELAY_S = 30.0
#: For the end of a process that was killed (in the middle of a disk access it takes its time).
KILL_TIMEOUT_S = 2.0
#: For a process that is stuck to write where, before it is killed.
LAST_WORDS_S = 0.2
#: For a process to write its stacks.
STACK_S = 0.05
MEMORY_INTERVAL_S = 0.25
#: Between two jobs, a child above this part of its memory limit is replaced.
RECYCLE_PART = 0.75
#: Jobs that take longer do not gain from a line of their child's own.
SHORT_JOB_S = 0.05
#: Before another line is tried after one could not be opened.
NEXT_LINE_S = 10.0
#: How late one may hear of a job that a child has begun by itself.
LOOK_INTERVAL_S = 0.01
#: After so many jobs by itself a child asks, whatever its limits are.
MANY_JOBS = 10_000
#: Children that start together must not all be replaced together.
RECYCLE_JITTER = 0.2


class ProcessPool:
    """See ``Pool``. A child that ends is replaced; its slot is not ready until the new one is.

    Args:
        settings: how many children, and when one is replaced.
        own_jobs: the jobs that a child may end and begin by itself.
        may_go_on: whether it may do so in this slot now.
        on_ready: called with a slot that has become ready.
        on_lost: called with a slot that is not ready any more, and with how it was lost if nobody had asked for it.
    """

    can_interrupt = True

    def __init__(
        self,
        settings: Settings,
        target: Target,
        own_jobs: OwnJobs,
        log_format: LogFormat,
        port: ChildJobPort,
        may_go_on: Callable[[int], bool],
        on_ready: Callable[[int], None],
        on_lost: Callable[[int, str | None], None],
    ) -> None:
        self._settings = settings
        self._size = settings.concurrency
        self._target = target
        self._own_jobs = own_jobs
        self._may_go_on = may_go_on
        self._log_format = log_format
        self._port = port
        self._on_ready = on_ready
        self._on_lost = on_lost
        self._children: dict[int, Child] = {}
        self._max_jobs: dict[int, int] = {}
        self._queued: dict[int, tuple[JobRecord, Callable[[Outcome | Ended | Unanswered], None]]] = {}
        self._no_line_before = 0.0
        self._failures: dict[int, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._starting: asyncio.Future[None] | None = None
        self._memory_timer: asyncio.TimerHandle | None = None
        self._look_timer: asyncio.TimerHandle | None = None
        self._retired = False
        self._loop = asyncio.get_running_loop()

    async def start(self) -> None:
        """See ``Pool``."""
        self._starting = self._loop.create_future()
        try:
            for slot in range(self._size):
                await self._spawn(slot)
            await self._starting
        except OSError as error:
            raise StartFailed(f"no process could be started: {error}") from error
        finally:
            self._starting = None
        if self._settings.max_memory_mb is not None:
            self._watch_memory()

    def is_ready(self, slot: int) -> bool:
        """See ``Pool``."""
        return slot in self._children and self._children[slot].ready

    def run(self, slot: int, record: JobRecord, done: Callable[[Outcome | Ended | Unanswered], None]) -> None:
        """See ``Pool``. A job that comes while its slot's child is replaced waits for the new one."""
        child = self._children.get(slot)
        if child is not None and child.has_begun(record):
            child.attend(record, done)
        elif child is not None and child.ready:
            child.run(record, self._further(slot, child), done)
            if child.line is not None and self._look_timer is None:
                self._look_timer = self._loop.call_later(LOOK_INTERVAL_S, self._look)
        else:
            self._queued[slot] = (record, done)

    def has_begun(self, slot: int, record: JobRecord) -> bool:
        """See ``Pool``."""
        child = self._children.get(slot)
        return child is not None and child.has_begun(record)

    def line(self, slot: int) -> Identity | None:
        """See ``Pool``."""
        child = self._children.get(slot)
        return child.line if child is not None else None

    def recall(self) -> None:
        """See ``Pool``."""
        for child in self._children.values():
            child.recall()

    def catch_up(self) -> None:
        """See ``Pool``."""
        for child in list(self._children.values()):
            child.catch_up()

    async def interrupt(self, slot: int) -> None:
        """See ``Pool``: kills the child and waits until it is reaped."""
        if self._queued.pop(slot, None):
            return
        child = self._children.get(slot)
        if child is not None:
            child.forget()
            child.kill()
            await child.gone.wait()

    def raise_time_limit(self, slot: int) -> None:
        """See ``Pool``."""
        child = self._children.get(slot)
        if child is not None and child.busy:
            child.signal(signal.SIGUSR2)

    async def resize(self, size: int) -> None:
        """See ``Pool``."""
        before, self._size = self._size, size
        for slot in range(before, size):
            if slot not in self._children:
                await self._spawn(slot)
        for slot in range(size, before):
            # (a job that waits for its slot's new process still runs)
            if slot in self._children and slot not in self._queued and not self._children[slot].busy:
                self._children[slot].ask_to_stop()

    def dump_stacks(self) -> None:
        """See ``Pool``."""
        # One after the other: they write to the same place, piece by piece.
        for place, child in enumerate(self._children.values()):
            self._loop.call_later(place * STACK_S, child.signal, signal.SIGUSR1)

    def retire(self) -> None:
        """See ``Pool``."""
        self._retired = True

    async def stop(self) -> None:
        """See ``Pool``."""
        self.retire()
        self._queued.clear()
        for timer in (self._memory_timer, self._look_timer):
            if timer is not None:
                timer.cancel()
        for task in self._tasks:
            task.cancel()
        children = [child for child in self._children.values() if child.exists]
        for child in children:
            if not child.asked_to_stop:
                child.ask_to_stop()
        if waits := [asyncio.ensure_future(child.gone.wait()) for child in children]:
            await asyncio.wait(waits, timeout=STOP_TIMEOUT_S + KILL_TIMEOUT_S)

    # Children

    async def _spawn(self, slot: int) -> None:
        child = Child(
            self._target,
            self._own_jobs,
            self._log_format,
            self._port,
            on_ready=lambda: self._ready(slot),
            on_gone=lambda ending: self._gone(slot, ending),
            on_idle=lambda: self._idle(slot),
        )
        self._children[slot] = child
        self._max_jobs[slot] = self._jobs_before_recycling()
        await child.start()
        self._loop.call_later(self._settings.start_timeout_s, self._check_started, child)

    def _check_started(self, child: Child) -> None:
        if child.ready or child.jobs or child.asked_to_stop or not child.exists:
            return
        child.problem = (
            f"process {child.pid} was not ready within {self._settings.start_timeout_s:g} s and was killed: "
            "the import of the processors' module, or setup(), does not end (the stack above says where it was)"
        )
        child.signal(signal.SIGUSR1)
        self._loop.call_later(LAST_WORDS_S, child.kill)

    def _ready(self, slot: int) -> None:
        self._failures.pop(slot, None)
        if self._starting is None:
            if queued := self._queued.pop(slot, None):
                self.run(slot, *queued)
            self._on_ready(slot)
        elif not self._starting.done() and all(self.is_ready(each) for each in range(self._size)):
            self._starting.set_result(None)

    def _gone(self, slot: int, ending: Ending) -> None:
        child = self._children[slot]
        if self._starting is not None:
            if not self._starting.done():
                self._starting.set_exception(StartFailed(child.problem or f"a process could not start: it {ending}"))
            return
        self._on_lost(slot, None if child.asked_to_stop or self._retired else str(ending))
        if slot >= self._size and slot not in self._queued:
            del self._children[slot]
            return
        if child.problem:
            logger.error("the process of slot %s could not start: %s", slot, child.problem)
        self._replace(slot, started=child.jobs > 0 or child.asked_to_stop)

    def _replace(self, slot: int, started: bool) -> None:
        if self._retired and slot not in self._queued:
            return
        failures = 0 if started else self._failures.get(slot, 0) + 1
        self._failures[slot] = failures
        delay = min(FIRST_RESTART_DELAY_S * 2 ** (failures - 1), MAX_RESTART_DELAY_S) if failures else 0.0

        async def replace() -> None:
            await asyncio.sleep(delay)
            try:
                await self._spawn(slot)
            except OSError as error:
                logger.error("the process of slot %s could not be started: %s", slot, error)
                self._replace(slot, started=False)

        task = self._loop.create_task(replace())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Replacing children in time

    def _jobs_before_recycling(self) -> int:
        limit = self._settings.max_jobs_per_child
        return round(limit * random.uniform(1 - RECYCLE_JITTER, 1)) or 1 if limit else 0

    def _idle(self, slot: int) -> None:
        """A job of the slot has ended; its settling must not fetch a next one for a child that has to go."""
        child = self._children[slot]
        if slot >= self._size or self._is_worn(slot, child):
            self._on_lost(slot, None)
            child.ask_to_stop()
        elif child.ran_s < SHORT_JOB_S and not child.has_line and self._own_jobs.names:
            self._lend_line(child)

    # Lines of their own

    def _further(self, slot: int, child: Child) -> int:
        """How many jobs a child may take by itself after the one that it is given."""
        if not self._may_go_on(slot):
            return 0
        limit = self._max_jobs[slot]
        return limit - child.jobs - 1 if limit else MANY_JOBS

    def _look(self) -> None:
        """Hears of the jobs that children have begun by themselves, as long as one may."""
        try:
            self.catch_up()
        finally:
            alone = any(child.line is not None for child in self._children.values())
            self._look_timer = self._loop.call_later(LOOK_INTERVAL_S, self._look) if alone else None

    def _lend_line(self, child: Child) -> None:
        now = self._loop.time()
        if child.awaits_line or now < self._no_line_before:
            return
        child.awaits_line = True

        async def lend() -> None:
            line = await open_line(self._settings.redis_url)
            child.awaits_line = False
            if line is None:
                self._no_line_before = now + NEXT_LINE_S
            elif child.ready:
                child.lend(line)
            else:
                os.close(line.descriptor)

        task = self._loop.create_task(lend())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _is_worn(self, slot: int, child: Child) -> bool:
        if self._max_jobs[slot] and child.jobs >= self._max_jobs[slot]:
            return True
        limit = self._settings.max_memory_mb
        if limit is None:
            return False
        used = resident_mib(child.pid)
        return used is not None and used > limit * RECYCLE_PART

    def _watch_memory(self) -> None:
        self._memory_timer = self._loop.call_later(MEMORY_INTERVAL_S, self._watch_memory)
        limit = self._settings.max_memory_mb
        for child in self._children.values():
            used = resident_mib(child.pid) if child.exists else None
            if limit is not None and used is not None and used > limit:
                child.kill(partial(killed_for_memory, used_mib=used, limit_mib=limit))
