"""The engine, as a child process sees it."""

from __future__ import annotations

import os
import select
import threading
from typing import TYPE_CHECKING, Any

from bullmq_bridge.worker.frames import FrameReader, Kind, encode
from bullmq_bridge.worker.question import JobNotHeld

if TYPE_CHECKING:
    import socket

    from bullmq_bridge.worker.soft_limit import SoftLimit

READ_BYTES = 1 << 16
#: A pipe holds 64 KiB, on Linux: what is read now and then must fit in together.
MAX_AT_LEISURE_BYTES = 4096


class EngineGone(Exception):
    """The engine closed its end: nobody waits for this process any more."""


class EnginePort:
    """Frames to and from the engine. Also the ``SyncJobPort`` of a running job.

    Two pipes and not a socket: a process that waits to read of a socket is woken, for nothing, whenever the other side
    reads what it has written.

    Args:
        inlet: file descriptor to read from.
        outlet: file descriptor to write to.
        bell: the engine listens to it always, to ``outlet`` only while this is not ``quiet``.
        limit: strikes between frames only.
    """

    def __init__(self, inlet: int, outlet: int, bell: socket.socket, limit: SoftLimit) -> None:
        # Programs that a processor starts must not keep the pipes open after this process died.
        os.set_inheritable(inlet, False)
        os.set_inheritable(outlet, False)
        self._inlet = inlet
        self._outlet = outlet
        self._bell = bell
        #: Whether the engine looks only now and then what it is told, until it is rung for.
        self.quiet = False
        self._limit = limit
        self._reader = FrameReader()
        self._frames: list[tuple[int, list[Any]]] = []
        #: Whether the engine was told or asked anything since this was last set to False.
        self.spoke = False
        self._sending = threading.Lock()
        self._asking = threading.Lock()
        self._questions = 0
        # Frames that came while an answer was waited for.
        self._postponed: list[tuple[int, list[Any]]] = []
        # (each may be used by one thread at a time: a thread that a processor has left behind may still ask)
        self._arrival = select.poll()
        self._arrival.register(inlet, select.POLLIN)
        self._glance = select.poll()
        self._glance.register(inlet, select.POLLIN)

    def close(self) -> None:
        """Speaks no more. The engine sees the end when no process has the pipe open."""
        os.close(self._inlet)
        os.close(self._outlet)
        self._bell.close()

    def write(self, frame: bytes, at_leisure: bool = False) -> None:
        """Writes an encoded frame, whole; safe from any thread.

        Args:
            frame: as ``encode`` made it.
            at_leisure: it is early enough if the engine finds it when it looks.
        """
        with self._sending:
            if self.quiet and not (at_leisure and len(frame) <= MAX_AT_LEISURE_BYTES):
                # Before: a frame may be more than the pipe holds, and must be read to be written whole.
                self.quiet = False
                self._bell.send(b"\0")
            written = os.write(self._outlet, frame)
            while written < len(frame):
                written += os.write(self._outlet, memoryview(frame)[written:])

    @property
    def has_word(self) -> bool:
        """Whether a frame can be received now."""
        return bool(self._postponed or self._frames or self._glance.poll(0))

    def receive(self) -> tuple[int, list[Any]]:
        """The next frame.

        Raises:
            EngineGone: there will be none.
        """
        return self._postponed.pop(0) if self._postponed else self._next()

    def _next(self) -> tuple[int, list[Any]]:
        while not self._frames:
            data = os.read(self._inlet, READ_BYTES)
            if not data:
                raise EngineGone
            self._frames.extend(self._reader.feed(data))
        return self._frames.pop(0)

    def progress(self, job_id: str, progress: bytes) -> None:
        """See ``JobPort``."""
        self._report(Kind.PROGRESS, job_id, progress)

    def log(self, job_id: str, row: str) -> None:
        """See ``JobPort``."""
        self._report(Kind.LOG, job_id, row)

    def ask(self, job_id: str, question: str, *values: Any) -> Any:
        """See ``SyncJobPort``."""
        with self._asking:
            self._questions += 1
            number = self._questions
            self._report(Kind.ASK, number, job_id, question, *values)
            answer, problem = self._answer(number)
        if problem:
            raise JobNotHeld(problem)
        return answer

    def _answer(self, number: int) -> tuple[Any, str | None]:
        while True:
            if not self._frames:
                # The place to wait at: what the time limit cuts short here has read nothing yet.
                self._arrival.poll()
            with self._limit.kept_off():
                kind, values = self._next()
                if kind != Kind.ANSWER:
                    self._postponed.append((kind, values))
            if kind == Kind.ANSWER and values[0] == number:
                return values[1], values[2]
            # (else the answer to an earlier question, whose job was cut short)

    def _report(self, kind: Kind, *values: Any) -> None:
        self.spoke = True
        frame = encode(kind, *values)
        with self._limit.kept_off():
            self.write(frame)
