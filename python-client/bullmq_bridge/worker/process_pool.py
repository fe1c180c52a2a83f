"""Slots for plain functions: a child process each."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

from bullmq_bridge.outcome import Failed, FailureKind, Outcome
from bullmq_bridge.worker.frames import FrameReader, Kind, decode_outcome, encode, encode_job
from bullmq_bridge.worker.pool import StartFailed

if TYPE_CHECKING:
    import resource
    from collections.abc import Callable

    from bullmq_bridge.protocol.job import JobRecord
    from bullmq_bridge.worker.job import AsyncJobPort
    from bullmq_bridge.worker.target import Target

logger = logging.getLogger("bullmq_bridge.worker")

FIRST_RESTART_DELAY_S = 0.5
MAX_RESTART_DELAY_S = 30.0
STOP_TIMEOUT_S = 5.0
DRAIN_TIMEOUT_S = 1.0
# ru_maxrss counts KiB on Linux and bytes on macOS.
RSS_UNIT = 1 if sys.platform == "darwin" else 1024


class Child(asyncio.Protocol):
    """One child process as the engine sees it.

    Args:
        on_ready: called when it has imported the processors and run the setup.
        on_gone: called once when it has ended and everything it wrote was read, with a text on how it ended.
    """

    def __init__(
        self, target: Target, port: AsyncJobPort, on_ready: Callable[[], None], on_gone: Callable[[str], None]
    ) -> None:
        self._target = target
        self._port = port
        self._on_ready = on_ready
        self._on_gone = on_gone
        self._loop = asyncio.get_running_loop()
        self._frames = FrameReader()
        self._transport: asyncio.Transport | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._done: Callable[[Outcome], None] | None = None
        self._record: JobRecord | None = None
        self._exit: str | None = None
        self._hung_up = False
        self.ready = False
        self.gone = asyncio.Event()
        self.problem: str | None = None

    async def start(self) -> None:
        """Starts the process; ``on_ready`` or ``on_gone`` follows."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        await self._loop.create_connection(lambda: self, sock=ours)
        with theirs:
            self._process = _start_process(theirs.fileno())
        threading.Thread(target=self._reap, name=f"reap-{self._process.pid}", daemon=True).start()
        self._write(encode(Kind.START, *astuple(self._target)))

    @property
    def pid(self) -> int:
        """The process id; it exists from ``start`` on."""
        assert self._process is not None
        return self._process.pid

    def run(self, record: JobRecord, done: Callable[[Outcome], None]) -> None:
        """Runs a job; the child must be ready and idle."""
        self._record, self._done = record, done
        self._write(encode_job(record))

    def forget(self) -> None:
        """Whatever the job's outcome is, nobody wants to hear of it any more."""
        self._record = self._done = None

    def ask_to_stop(self) -> None:
        """Lets an idle child run its teardown and leave."""
        self._write(encode(Kind.STOP))

    def kill(self) -> None:
        """SIGKILL: nothing that a processor does can withstand it."""
        if self._exit is None and self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)

    def _write(self, frame: bytes) -> None:
        if self._transport is not None and not self._hung_up:
            self._transport.write(frame)

    def _reap(self) -> None:
        """Waits for the end in a thread of its own: portable, and knows the peak of its memory."""
        assert self._process is not None
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is interested any more
            self._loop.call_soon_threadsafe(self._exited, _how_it_ended(self._process.returncode, usage))

    def _exited(self, how: str) -> None:
        self._exit = how
        if self._hung_up:
            self._finish()
        else:
            # Its last words may still be in the socket; a grandchild that holds it open must not keep us waiting.
            self._loop.call_later(DRAIN_TIMEOUT_S, self._finish)

    def _finish(self) -> None:
        if self.gone.is_set():
            return
        assert self._exit is not None
        self.ready = False
        self.gone.set()
        if self._transport is not None:
            self._transport.abort()
        record, done = self._record, self._done
        self.forget()
        if record is not None and done is not None:
            done(_crashed(self._exit))
        self._on_gone(self._exit)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See ``asyncio.Protocol``."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """See ``asyncio.Protocol``."""
        for kind, values in self._frames.feed(data):
            self._handle(kind, values)

    def connection_lost(self, error: Exception | None) -> None:
        """See ``asyncio.Protocol``."""
        self._hung_up = True
        if self._exit is None:
            # Without the socket it can do nothing for us, whether it knows that or not.
            self.kill()
        else:
            self._finish()

    def _handle(self, kind: Kind, values: list[Any]) -> None:
        if kind is Kind.OUTCOME:
            done = self._done
            self.forget()
            if done is not None:
                done(decode_outcome(values))
        elif kind is Kind.PROGRESS:
            self._port.progress(*values)
        elif kind is Kind.LOG:
            self._port.log(*values)
        elif kind is Kind.ASK:
            self._loop.create_task(self._answer(*values))
        elif kind is Kind.READY:
            self.ready = True
            self._on_ready()
        elif kind is Kind.BROKEN:
            self.problem = values[0]

    async def _answer(self, job_id: str, question: str) -> None:
        try:
            answer = await self._port.ask(job_id, question)
        except Exception as error:
            self._write(encode(Kind.ANSWER, None, str(error)))
        else:
            self._write(encode(Kind.ANSWER, answer, None))


class ProcessPool:
    """See ``Pool``. A child that ends is replaced; its slot is not ready until the new one is.

    Args:
        on_ready: called with a slot that has become ready.
        on_lost: called with a slot that is not ready any more.
    """

    def __init__(
        self,
        size: int,
        target: Target,
        port: AsyncJobPort,
        on_ready: Callable[[int], None],
        on_lost: Callable[[int], None],
    ) -> None:
        self._size = size
        self._target = target
        self._port = port
        self._on_ready = on_ready
        self._on_lost = on_lost
        self._children: dict[int, Child] = {}
        self._queued: dict[int, tuple[JobRecord, Callable[[Outcome], None]]] = {}
        self._failures: dict[int, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._starting: asyncio.Future[None] | None = None
        self._stopping = False

    async def start(self) -> None:
        """See ``Pool``."""
        self._starting = asyncio.get_running_loop().create_future()
        for slot in range(self._size):
            await self._spawn(slot)
        try:
            await self._starting
        finally:
            self._starting = None

    def is_ready(self, slot: int) -> bool:
        """See ``Pool``."""
        return slot in self._children and self._children[slot].ready

    def run(self, slot: int, record: JobRecord, done: Callable[[Outcome], None]) -> None:
        """See ``Pool``. A job that comes while its slot's child is replaced waits for the new one."""
        if self.is_ready(slot):
            self._children[slot].run(record, done)
        else:
            self._queued[slot] = (record, done)

    async def interrupt(self, slot: int) -> None:
        """See ``Pool``: kills the child and waits until it is reaped."""
        if self._queued.pop(slot, None):
            return
        child = self._children.get(slot)
        if child is not None:
            child.forget()
            child.kill()
            await child.gone.wait()

    async def stop(self) -> None:
        """See ``Pool``."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        children = [child for child in self._children.values() if not child.gone.is_set()]
        for child in children:
            child.ask_to_stop()
        waits = [asyncio.ensure_future(child.gone.wait()) for child in children]
        if waits:
            await asyncio.wait(waits, timeout=STOP_TIMEOUT_S)
        for child in children:
            if not child.gone.is_set():
                logger.warning("child %s did not leave within %s s: killed", child.pid, STOP_TIMEOUT_S)
                child.kill()
        await asyncio.gather(*waits)

    async def _spawn(self, slot: int) -> None:
        child = Child(self._target, self._port, lambda: self._ready(slot), lambda how: self._gone(slot, how))
        self._children[slot] = child
        await child.start()

    def _ready(self, slot: int) -> None:
        self._failures.pop(slot, None)
        if self._starting is None:
            if queued := self._queued.pop(slot, None):
                self._children[slot].run(*queued)
            self._on_ready(slot)
        elif not self._starting.done() and all(self.is_ready(each) for each in range(self._size)):
            self._starting.set_result(None)

    def _gone(self, slot: int, how: str) -> None:
        problem = self._children[slot].problem
        if self._stopping:
            return
        if self._starting is not None:
            if not self._starting.done():
                self._starting.set_exception(StartFailed(problem or f"a child could not start: it {how}"))
            return
        self._on_lost(slot)
        failures = self._failures.get(slot, 0)
        delay = min(FIRST_RESTART_DELAY_S * 2 ** (failures - 1), MAX_RESTART_DELAY_S) if failures else 0.0
        self._failures[slot] = failures + 1
        logger.warning("child of slot %s %s; a new one starts%s", slot, how, f" in {delay:.1f} s" if delay else "")
        if problem:
            logger.error("child of slot %s could not start:\n%s", slot, problem)
        task = asyncio.get_running_loop().create_task(self._replace(slot, delay))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _replace(self, slot: int, delay: float) -> None:
        await asyncio.sleep(delay)
        await self._spawn(slot)


def _start_process(fd: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "bullmq_bridge.worker.child", str(fd), str(os.getpid())]
    return subprocess.Popen(command, pass_fds=[fd], stdin=subprocess.DEVNULL)


def _how_it_ended(code: int, usage: resource.struct_rusage) -> str:
    peak = f"peak memory {usage.ru_maxrss * RSS_UNIT / 2**20:.0f} MiB"
    if code >= 0:
        return f"ended with exit code {code} ({peak})"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"was killed by {name} ({peak})"


def _crashed(how: str) -> Failed:
    message = f"the process that ran the job {how}"
    return Failed(FailureKind.CRASHED, message, FailureKind.CRASHED.value, f"crashed: {message}", retry=True)
