"""Slots for plain functions that only wait: a thread each, in the engine's own process.

A thread shares the GIL with the engine: code that computes for long, or holds the GIL in C, delays the renewal of
locks. And nothing can stop it from outside.
"""

from __future__ import annotations

import asyncio
import ctypes
import faulthandler
import queue
import threading
import traceback
from typing import TYPE_CHECKING, Any

from bullmq_bridge.directive import TimeLimitExceeded
from bullmq_bridge.worker.execution import execute
from bullmq_bridge.worker.pool import StartFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from bullmq_bridge.contract.contract import QueueContract
    from bullmq_bridge.outcome import Outcome
    from bullmq_bridge.protocol.job import JobRecord
    from bullmq_bridge.worker.job import AsyncJobPort
    from bullmq_bridge.worker.processor import Hook, Processor


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


class ThreadPool:
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
        self._inboxes: dict[int, queue.SimpleQueue[tuple[JobRecord, Callable[[Outcome], None]] | None]] = {}
        self._running: dict[int, int] = {}
        self._ended: dict[int, asyncio.Event] = {}

    async def start(self) -> None:
        """See ``Pool``."""
        try:
            if self._setup:
                self._setup()
        except Exception as error:
            raise StartFailed(traceback.format_exc().rstrip()) from error
        await self.resize(self._size)

    def is_ready(self, slot: int) -> bool:
        """See ``Pool``."""
        return slot in self._inboxes

    def run(self, slot: int, record: JobRecord, done: Callable[[Outcome], None]) -> None:
        """See ``Pool``."""
        self._ended[slot] = asyncio.Event()
        self._inboxes[slot].put((record, done))

    async def interrupt(self, slot: int) -> None:
        """See ``Pool``: waits, for that is all that can be done about a thread."""
        if slot in self._running:
            await self._ended[slot].wait()

    def raise_time_limit(self, slot: int) -> None:
        """See ``Pool``: takes effect when the thread next runs Python code."""
        thread_id = self._running.get(slot)
        if thread_id is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), ctypes.py_object(TimeLimitExceeded))

    async def resize(self, size: int) -> None:
        """See ``Pool``."""
        for slot in range(size):
            if slot not in self._inboxes:
                self._inboxes[slot] = queue.SimpleQueue()
                threading.Thread(target=self._work, args=(slot,), name=f"slot-{slot}", daemon=True).start()
        for slot in [slot for slot in self._inboxes if slot >= size]:
            self._inboxes.pop(slot).put(None)

    def dump_stacks(self) -> None:
        """See ``Pool``."""
        faulthandler.dump_traceback(all_threads=True)

    async def stop(self) -> None:
        """See ``Pool``."""
        await self.resize(0)
        if self._teardown:
            self._teardown()

    def _work(self, slot: int) -> None:
        inbox = self._inboxes[slot]
        while item := inbox.get():
            record, done = item
            name = record.name or ""
            self._running[slot] = threading.get_ident()
            try:
                outcome = execute(self._processors[name], self._contracts[name], record, self._port)
            finally:
                del self._running[slot]
            self._loop.call_soon_threadsafe(self._finish, slot, done, outcome)

    def _finish(self, slot: int, done: Callable[[Outcome], None], outcome: Outcome) -> None:
        self._ended[slot].set()
        done(outcome)
