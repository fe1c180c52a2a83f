"""One child process, as the engine sees it."""

from __future__ import annotations

import asyncio
import contextlib
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
from bullmq_bridge.worker.memory import OomKills

if TYPE_CHECKING:
    import resource
    from collections.abc import Callable

    from bullmq_bridge.protocol.job import JobRecord
    from bullmq_bridge.worker.job import AsyncJobPort
    from bullmq_bridge.worker.logs import LogFormat
    from bullmq_bridge.worker.target import Target

DRAIN_TIMEOUT_S = 1.0
# ru_maxrss counts KiB on Linux and bytes on macOS.
RSS_UNIT = 1 if sys.platform == "darwin" else 1024


class Child(asyncio.Protocol):
    """One child process as the engine sees it.

    Args:
        on_ready: called when it has imported the processors and run the setup.
        on_gone: called once when it has ended and everything it wrote was read, with a text on how it ended.
        on_idle: called when its job has ended, before anybody hears of the outcome.
    """

    def __init__(
        self,
        target: Target,
        log_format: LogFormat,
        port: AsyncJobPort,
        on_ready: Callable[[], None],
        on_gone: Callable[[str], None],
        on_idle: Callable[[], None],
    ) -> None:
        self._target = target
        self._log_format = log_format
        self._port = port
        self._on_ready = on_ready
        self._on_gone = on_gone
        self._on_idle = on_idle
        self._loop = asyncio.get_running_loop()
        self._frames = FrameReader()
        self._transport: asyncio.Transport | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._done: Callable[[Outcome], None] | None = None
        self._record: JobRecord | None = None
        self._exit: str | None = None
        self._hung_up = False
        self._oom_kills = OomKills()
        self.ready = False
        self.gone = asyncio.Event()
        self.problem: str | None = None
        self.jobs = 0
        self.asked_to_stop = False
        #: Why the engine killed it, if it did: what its job fails with.
        self.sentence: Failed | None = None

    async def start(self) -> None:
        """Starts the process; ``on_ready`` or ``on_gone`` follows."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        await self._loop.create_connection(lambda: self, sock=ours)
        with theirs:
            self._process = _start_process(theirs.fileno(), self._log_format)
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
        self.jobs += 1
        self._write(encode_job(record))

    def forget(self) -> None:
        """Whatever the job's outcome is, nobody wants to hear of it any more."""
        self._record = self._done = None

    @property
    def busy(self) -> bool:
        """Whether it runs a job that somebody waits for."""
        return self._record is not None

    def ask_to_stop(self) -> None:
        """Lets an idle child run its teardown and leave."""
        self.ready = False
        self.asked_to_stop = True
        self._write(encode(Kind.STOP))

    def kill(self, sentence: Failed | None = None) -> None:
        """SIGKILL: nothing that a processor does can withstand it. ``sentence`` is what its job fails with."""
        self.sentence = sentence
        self.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal, if the process is still there."""
        if self._exit is None and self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, number)

    def _crashed(self, how: str) -> Failed:
        kind = FailureKind.CRASHED
        if self._process is not None and self._process.returncode == -signal.SIGKILL and self._oom_kills.has_risen():
            kind = FailureKind.KILLED_MEMORY
            how += " by the system, which ran out of memory"
        message = f"the process that ran the job {how}"
        return Failed(kind, message, kind.value, f"{kind.value}: {message}", retry=True)

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
            done(self.sentence or self._crashed(self._exit))
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
            self._on_idle()
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

    async def _answer(self, job_id: str, question: str, *values: Any) -> None:
        try:
            answer = await self._port.ask(job_id, question, *values)
        except Exception as error:
            self._write(encode(Kind.ANSWER, None, str(error)))
        else:
            self._write(encode(Kind.ANSWER, answer, None))


def _start_process(fd: int, log_format: LogFormat) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "bullmq_bridge.worker.child", str(fd), str(os.getpid()), log_format]
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
