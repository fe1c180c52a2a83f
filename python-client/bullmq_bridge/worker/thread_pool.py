"""Slots for plain functions that only wait: a thread each, in the engine's own process.

A thread shares the GIL with the engine: code that computes for long, or holds the GIL in C, delays the renewal of
locks. And nothing can stop it from outside.
"""

from __future__ import annotations

import asyncio
import contextvars
import ctypes
import logging
import queue
import threading
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bullmq_bridge.directive import TimeLimitExceeded
from bullmq_bridge.outcome import Outcome, outcome_of, untold
from bullmq_bridge.worker.execution import execute
from bullmq_bridge.worker.pool import StartFailed, WithoutLines

if TYPE_CHECKING:
    from collections.abc import Callable

    from bullmq_bridge.contract.contract import QueueContract
    from bullmq_bridge.protocol.job import JobRecord
    from bullmq_bridge.worker.job import AsyncJobPort
    from bullmq_bridge.worker.processor import Hook, Processor

logger = logging.getLogger("bullmq_bridge.worker")


class ThreadPort:
    """The engine, as a job in a thread reaches it (``SyncJobPort``)."""

    def __init__(self, port: AsyncJobPort, loop: asyncio.AbstractEventLoop) -> None:
        self._port = port
        self._loop = loop

    def progress(self, job_id: str, progress: bytes) -> None:
        """See ``JobPort``."""
        self._loop.call_soon_threadsafe(self._port.progress, job_id, progress)

    def log(self, job_id: str, row: str) -> None:
        """See ``JobPort``."""
        self._loop.call_soon_threadsafe(self._port.log, job_id, row)

    def ask(self, job_id: str, question: str, *values: Any) -> Any:
        """See ``SyncJobPort``."""

        async def ask() -> Any:
            return await self._port.ask(job_id, question, *values)

        return asyncio.run_coroutine_threadsafe(ask(), self._loop).result()


@dataclass(slots=True)
class _Slot:
    """A thread and what it does: ``ended`` is there while it has a job, ``thread_id`` while its code runs."""

    inbox: queue.SimpleQueue[tuple[JobRecord, Callable[[Outcome], None]] | None] = field(
        default_factory=queue.SimpleQueue
    )
    ended: asyncio.Event | None = None
    thread_id: int | None = None
    guard: threading.Lock = field(default_factory=threading.Lock)


class ThreadPool(WithoutLines):
    """See ``Pool``. ``setup`` runs once, before the first job."""

    can_interrupt = False

    def __init__(
        self,
        size: int,
        processors: dict[str, Processor],
        contract: QueueContract,
        port: AsyncJobPort,
        setup: Hook | None,
        teardown: Hook | None,
    ) -> None:
        self._size = size
        self._processors = processors
        self._contracts = {name: contract.job(name) for name in processors}
        self._loop = asyncio.get_running_loop()
        self._port = ThreadPort(port, self._loop)
        self._setup = setup
        self._teardown = teardown
        self._slots: dict[int, _Slot] = {}
        self._context = contextvars.copy_context()

    async def start(self) -> None:
        """See ``Pool``."""
        try:
            if self._setup:
                self._setup()
        except Exception as error:
            raise StartFailed(traceback.format_exc().rstrip()) from error
        # What setup() has put into context variables is there for every job.
        self._context = contextvars.copy_context()
        await self.resize(self._size)

    def is_ready(self, slot: int) -> bool:
        """See ``Pool``."""
        return slot in self._slots

    def run(self, slot: int, record: JobRecord, done: Callable[[Outcome], None]) -> None:
        """See ``Pool``."""
        self._slots[slot].ended = asyncio.Event()
        self._slots[slot].inbox.put((record, done))

    async def interrupt(self, slot: int) -> None:
        """See ``Pool``: waits, for that is all that can be done about a thread."""
        ended = self._slots[slot].ended if slot in self._slots else None
        if ended is not None:
            await ended.wait()

    def raise_time_limit(self, slot: int) -> None:
        """See ``Pool``: takes effect when the thread next runs Python code."""
        if slot not in self._slots:
            return
        with self._slots[slot].guard:
            _raise_in(self._slots[slot].thread_id, TimeLimitExceeded)

    async def resize(self, size: int) -> None:
        """See ``Pool``."""
        for slot in range(size):
            if slot not in self._slots:
                self._slots[slot] = _Slot()
                threading.Thread(target=self._work, args=(self._slots[slot],), name=f"slot-{slot}", daemon=True).start()
        for slot in [slot for slot in self._slots if slot >= size]:
            self._slots.pop(slot).inbox.put(None)

    def dump_stacks(self) -> None:
        """See ``Pool``: they are among the stacks of the engine's process."""

    def retire(self) -> None:
        """See ``Pool``."""

    async def stop(self) -> None:
        """See ``Pool``. No teardown under a job that still runs."""
        if any(slot.ended is not None for slot in self._slots.values()):
            return
        await self.resize(0)
        try:
            if self._teardown:
                self._teardown()
        except Exception:
            logger.exception("the teardown of the threads' processors raised")

    def _work(self, slot: _Slot) -> None:
        while item := slot.inbox.get():
            record, done = item
            outcome = self._context.copy().run(self._execute, slot, record)
            self._loop.call_soon_threadsafe(self._finish, slot, done, outcome)

    def _execute(self, slot: _Slot, record: JobRecord) -> Outcome:
        name = record.name or ""
        try:
            slot.thread_id = threading.get_ident()
            outcome = execute(self._processors[name], self._contracts[name], record, self._port)
            _end_limit(slot)
        except TimeLimitExceeded as error:
            # While the data was decoded, or the result encoded.
            _end_limit(slot)
            return outcome_of(error)
        except Exception as error:
            _end_limit(slot)
            logger.exception("how job %s ended could not be told", record.id)
            return untold(error)
        return outcome

    def _finish(self, slot: _Slot, done: Callable[[Outcome], None], outcome: Outcome) -> None:
        if slot.ended is not None:
            slot.ended.set()
            slot.ended = None
        done(outcome)


def _end_limit(slot: _Slot) -> None:
    """From here on nothing is raised in the thread; what was raised and has not come yet is taken back."""
    with slot.guard:
        thread_id, slot.thread_id = slot.thread_id, None
        _raise_in(thread_id, None)


def _raise_in(thread_id: int | None, error: type[BaseException] | None) -> None:
    if thread_id is not None:
        what = None if error is None else ctypes.py_object(error)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), what)
