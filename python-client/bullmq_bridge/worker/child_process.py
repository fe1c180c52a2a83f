"""One child process, as the engine sees it."""

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
from io import FileIO
from itertools import groupby
from typing import TYPE_CHECKING, Any

from bullmq_bridge.outcome import Completed
from bullmq_bridge.worker.ending import Ending, crashed
from bullmq_bridge.worker.frames import FrameReader, Kind, decode_outcome, encode, encode_job
from bullmq_bridge.worker.memory import OomKills
from bullmq_bridge.worker.own_ending import Ended, Unanswered

if TYPE_CHECKING:
    from collections.abc import Callable

    from bullmq_bridge.outcome import Failed, Outcome
    from bullmq_bridge.protocol.job import JobRecord
    from bullmq_bridge.worker.job import ChildJobPort
    from bullmq_bridge.worker.lent_line import LentLine
    from bullmq_bridge.worker.logs import LogFormat
    from bullmq_bridge.worker.own_jobs import OwnJobs
    from bullmq_bridge.worker.recovery import Identity
    from bullmq_bridge.worker.target import Target

DRAIN_TIMEOUT_S = 1.0
#: For its teardown, its threads and what the interpreter does at the end.
STOP_TIMEOUT_S = 5.0
#: How long nothing is read of a child that reports more than Redis takes.
HOLD_BACK_S = 0.01
#: What a pipe holds at most.
PIPE_BYTES = 1 << 16

logger = logging.getLogger("bullmq_bridge.worker")


class Child(asyncio.Protocol):
    """One child process as the engine sees it.

    It leads a session of its own: what a terminal or a service manager sends to the group of the engine does not
    reach it, nor the programs that a processor starts; and whoever kills it kills these with it.

    Args:
        on_ready: called when it has imported the processors and run the setup.
        on_gone: called once when it has ended and everything it wrote was read, with how it ended.
        on_idle: called when its job has ended and it has begun no other, before anybody hears of the outcome.
    """

    def __init__(
        self,
        target: Target,
        own_jobs: OwnJobs,
        log_format: LogFormat,
        port: ChildJobPort,
        on_ready: Callable[[], None],
        on_gone: Callable[[Ending], None],
        on_idle: Callable[[], None],
    ) -> None:
        self._target = target
        self._own_jobs = own_jobs
        self._log_format = log_format
        self._port = port
        self._on_ready = on_ready
        self._on_gone = on_gone
        self._on_idle = on_idle
        self._loop = asyncio.get_running_loop()
        self._frames = FrameReader()
        self._inbound: asyncio.ReadTransport | None = None
        self._outbound: asyncio.WriteTransport | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._courier: socket.socket | None = None
        self._done: Callable[[Outcome | Ended | Unanswered], None] | None = None
        self._record: JobRecord | None = None
        # The job that it has begun by itself, until we are told who wants to hear of it.
        self._begun: str | None = None
        self._line: Identity | None = None
        self._alone = False
        self._ending: Ending | None = None
        self._hung_up = False
        self._held_back = False
        self._oom_kills = OomKills()
        self.ready = False
        self.gone = asyncio.Event()
        self.problem: str | None = None
        self.jobs = 0
        self.asked_to_stop = False
        self.awaits_line = False
        #: For how long it ran what it was last given.
        self.ran_s = 0.0
        self._began_at = 0.0
        self._why_killed: Callable[[Ending], Failed] | None = None

    async def start(self) -> None:
        """Starts the process; ``on_ready`` or ``on_gone`` follows.

        Raises:
            OSError: the system has no process for us.
        """
        try:
            self._process = await self._open()
        except OSError:
            self._close_ends()
            raise
        threading.Thread(target=self._reap, name=f"reap-{self._process.pid}", daemon=True).start()
        self._write(encode(Kind.START, self._own_jobs.encode(), *astuple(self._target)))

    async def _open(self) -> subprocess.Popen[bytes]:
        with contextlib.ExitStack() as theirs:
            self._courier, courier = socket.socketpair()
            theirs.callback(courier.close)
            self._courier.setblocking(False)
            self._loop.add_reader(self._courier, self._rung)
            inlet, to_child = os.pipe()
            theirs.callback(os.close, inlet)
            # (a file of ours is closed with what refers to it)
            ours = FileIO(to_child, "w")
            from_child, outlet = os.pipe()
            theirs.callback(os.close, outlet)
            self._inbound, _ = await self._loop.connect_read_pipe(lambda: self, FileIO(from_child))
            self._outbound, _ = await self._loop.connect_write_pipe(asyncio.BaseProtocol, ours)
            return _start_process(inlet, outlet, courier.fileno(), self._log_format)

    def _close_ends(self) -> None:
        if self._inbound is not None:
            self._inbound.close()
        if self._outbound is not None and not self._outbound.is_closing():
            self._outbound.abort()
        if self._courier is not None:
            self._loop.remove_reader(self._courier)
            self._courier.close()

    @property
    def exists(self) -> bool:
        """Whether there is a process."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """The process id; known from ``start`` on."""
        assert self._process is not None
        return self._process.pid

    @property
    def line(self) -> Identity | None:
        """Its line to Redis, if it ends the job that runs over it."""
        return self._line if self._alone else None

    @property
    def has_line(self) -> bool:
        """Whether it has a line of its own."""
        return self._line is not None

    def lend(self, line: LentLine) -> None:
        """Gives it a line of its own."""
        assert self._courier is not None
        try:
            socket.send_fds(self._courier, [b"\0"], [line.descriptor])
        except OSError:
            # It has ended: that is told otherwise.
            return
        finally:
            os.close(line.descriptor)
        self._write(encode(Kind.LINE))
        self._line = line.identity

    def run(self, record: JobRecord, further: int, done: Callable[[Outcome | Ended | Unanswered], None]) -> None:
        """Runs a job; the child must be ready and idle. After it, the child may take so many ``further`` ones."""
        self._record, self._done = record, done
        self.jobs += 1
        self._alone = further > 0 and self._line is not None
        self._began_at = self._loop.time()
        if self._alone and self._inbound is not None:
            self._silence_bell()
            # What it begins by itself is heard of by ``catch_up``, now and then: to wake for each job costs more than
            # the job. It rings when it has something else to tell.
            self._inbound.pause_reading()
        self._write(encode_job(record, further))

    def has_begun(self, record: JobRecord) -> bool:
        """Whether it has begun the job by itself, and nobody yet wants to hear how it ends."""
        return self._begun == record.id

    def attend(self, record: JobRecord, done: Callable[[Outcome | Ended | Unanswered], None]) -> None:
        """Tells of the job that it has begun by itself when that ends."""
        self._begun = None
        self._record, self._done = record, done
        self.jobs += 1

    def recall(self) -> None:
        """Leaves the end of the job that it runs to us, unless that is told already."""
        if self._alone:
            self._write(encode(Kind.RECALL))

    def catch_up(self) -> None:
        """Reads what it has told until now, if it is not listened to all the time."""
        inbound = self._open_inbound
        if inbound is None or self._held_back or not self._alone:
            return
        pipe = inbound.get_extra_info("pipe").fileno()
        with contextlib.suppress(BlockingIOError):
            # Once: a child that writes without end must not be read without end.
            if data := os.read(pipe, PIPE_BYTES):
                self.data_received(data)

    def forget(self) -> None:
        """Whatever the job's outcome is, nobody wants to hear of it any more."""
        self._record = self._done = self._begun = None

    @property
    def busy(self) -> bool:
        """Whether it runs a job that somebody waits for."""
        return self._record is not None

    def ask_to_stop(self) -> None:
        """Lets an idle child run its teardown and leave; kills it if it does not leave in time."""
        self.ready = False
        self.asked_to_stop = True
        self._write(encode(Kind.STOP))
        self._loop.call_later(STOP_TIMEOUT_S, self._overdue)

    def _overdue(self) -> None:
        if self.exists:
            logger.warning("process %s did not leave within %g s: it is killed", self.pid, STOP_TIMEOUT_S)
            self.kill()

    def kill(self, why: Callable[[Ending], Failed] | None = None) -> None:
        """SIGKILL, to what it has started too: nothing that a processor does can withstand it.

        Args:
            why: what its job fails with, if it is to fail for another reason than that its process died.
        """
        self.ready = False
        if self.exists:
            self._why_killed = self._why_killed or why
            _kill_group(self.pid)

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal, if the process is still there."""
        if self.exists:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _verdict(self, ending: Ending) -> Failed:
        if self._why_killed is not None and ending.code == -signal.SIGKILL:
            return self._why_killed(ending)
        return crashed(ending, by_the_system=ending.code == -signal.SIGKILL and self._oom_kills.has_risen())

    def _write(self, frame: bytes) -> None:
        # (of a process that has just ended, only the pipe to it may know so far; uvloop raises then)
        if self._outbound is not None and not self._hung_up and not self._outbound.is_closing():
            self._outbound.write(frame)

    def _reap(self) -> None:
        """Waits for the end in a thread of its own: portable, and knows the peak of its memory."""
        process = self._process
        assert process is not None
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0 or not self.asked_to_stop:
            # What it has started for its job is not to go on beside the next attempt.
            _kill_group(process.pid)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is interested any more
            self._loop.call_soon_threadsafe(self._exited, Ending.of(process.returncode, usage))

    def _exited(self, ending: Ending) -> None:
        self._ending = ending
        self._watch()
        if self._hung_up:
            self._finish()
        else:
            # Its last words may still be in the pipe; a grandchild that holds it open must not keep us waiting.
            self._loop.call_later(DRAIN_TIMEOUT_S, self._finish)

    def _finish(self) -> None:
        if self.gone.is_set():
            return
        assert self._ending is not None
        self.ready = False
        self.gone.set()
        self._close_ends()
        record, done, line = self._record, self._done, self.line
        self.forget()
        self._alone = False
        # First, so that the settling of its job does not fetch a next one for it.
        self._on_gone(self._ending)
        if record is not None and done is not None:
            verdict = self._verdict(self._ending)
            done(verdict if line is None else Unanswered(verdict, line))

    def data_received(self, data: bytes) -> None:
        """See ``asyncio.Protocol``."""
        reports = False
        for ended, frames in groupby(self._frames.feed(data), lambda frame: frame[0] == Kind.ENDED):
            if ended:
                self._tell_ended([values for _, values in frames])
                continue
            for kind, values in frames:
                self._handle(kind, values)
                reports = reports or kind in (Kind.PROGRESS, Kind.LOG)
        if reports and self._port.is_congested:
            self._hold_back()

    @property
    def _open_inbound(self) -> asyncio.ReadTransport | None:
        # (until Python 3.11, one that closes takes up reading again when it is told to)
        return None if self._inbound is None or self._inbound.is_closing() else self._inbound

    def _watch(self) -> None:
        """Hears at once, from here on, what it tells."""
        inbound = self._open_inbound
        if inbound is not None and not self._held_back:
            inbound.resume_reading()

    def _rung(self) -> None:
        """It has told something that must be heard at once, while we only looked now and then."""
        self._silence_bell()
        self._watch()

    def _silence_bell(self) -> None:
        assert self._courier is not None
        try:
            closed = not self._courier.recv(PIPE_BYTES)
        except BlockingIOError:
            return
        except ConnectionError:
            # It has ended before it took a line that was sent.
            closed = True
        if closed:
            self._loop.remove_reader(self._courier)

    def _hold_back(self) -> None:
        """Lets a child wait that reports faster than Redis takes it: the others' jobs must not."""
        inbound = self._open_inbound
        if inbound is None:
            return
        self._held_back = self._port.is_congested
        if self._held_back:
            inbound.pause_reading()
            self._loop.call_later(HOLD_BACK_S, self._hold_back)
        else:
            inbound.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        """See ``asyncio.Protocol``."""
        self._hung_up = True
        if self._ending is not None:
            self._finish()
        elif self.asked_to_stop or self.problem is not None:
            # On its way out: exit handlers run, and what it printed is written.
            self._loop.call_later(STOP_TIMEOUT_S, self._overdue)
        else:
            # Without the pipe it can do nothing for us, whether it knows that or not.
            self.kill()

    def _handle(self, kind: int, values: list[Any]) -> None:
        if kind == Kind.OUTCOME:
            self._returned(decode_outcome(values))
        elif kind == Kind.UNANSWERED:
            self._lost_line(*values)
        elif kind == Kind.PROGRESS:
            self._port.progress(*values)
        elif kind == Kind.LOG:
            self._port.log(*values)
        elif kind == Kind.ASK:
            self._loop.create_task(self._answer(*values))
        elif kind == Kind.READY:
            self.ready = True
            self._on_ready()
        elif kind == Kind.BROKEN:
            self.problem = values[0]

    def _returned(self, how: Outcome | Ended | Unanswered) -> None:
        """It runs nothing any more, and waits for what we say."""
        done = self._done
        self.forget()
        self._alone = False
        self._watch()
        self.ran_s = self._loop.time() - self._began_at
        self._on_idle()
        if done is not None:
            done(how)

    def _tell_ended(self, frames: list[list[Any]]) -> None:
        """Tells of the jobs that it has ended by itself: together, for it may have been many since we looked."""
        *passed, (result, reply, begun) = frames
        ended = Ended([(result, reply) for result, reply, _ in passed], result, reply)
        self.jobs += len(passed)
        if not begun:
            self._returned(ended)
            return
        done = self._done
        self.forget()
        if done is not None:
            self._begun = reply[1].decode("utf-8", "replace")
            done(ended)

    def _lost_line(self, result: bytes, why: str) -> None:
        logger.warning("process %s has lost its line to Redis: %s", self.pid, why)
        line, self._line = self._line, None
        assert line is not None
        self._returned(Unanswered(Completed(result), line))

    async def _answer(self, number: int, job_id: str, question: str, *values: Any) -> None:
        try:
            answer = await self._port.ask(job_id, question, *values)
        except Exception as error:
            self._write(encode(Kind.ANSWER, number, None, str(error)))
        else:
            self._write(encode(Kind.ANSWER, number, answer, None))


def _start_process(inlet: int, outlet: int, courier: int, log_format: LogFormat) -> subprocess.Popen[bytes]:
    descriptors = [inlet, outlet, courier]
    arguments = [*map(str, descriptors), str(os.getpid()), log_format]
    command = [sys.executable, "-m", "bullmq_bridge.worker.child", *arguments]
    return subprocess.Popen(command, pass_fds=descriptors, stdin=subprocess.DEVNULL, start_new_session=True)


def _kill_group(leader: int) -> None:
    # (macOS: not permitted when only a zombie is left)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
