"""The engine, as a child process sees it."""

from __future__ import annotations

import os
import select
import threading
from typing import TYPE_CHECKING, Any

from bullmq_bridge.worker.frames import FrameReader, Kind, encode
from bullmq_bridge.worker.question import JobNotHeld

if TYPE_CHECKING:
    from bullmq_bridge.worker.soft_limit import SoftLimit

READ_BYTES = 1 << 16


class EngineGone(Exception):
    """The engine closed its end: nobody waits for this process any more."""


class EnginePort:
    """Frames to and from the engine. Also the ``SyncJobPort`` of a running job.

    Two pipes and not a socket: a process that waits to read of a socket is woken, for nothing, whenever the other side
    reads what it has written.

    Args:
        inlet: file descriptor to read from.
        outlet: file descriptor to write to.
        limit: strikes between frames only.
    """

    def __init__(self, inlet: int, outlet: int, limit: SoftLimit) -> None:
        # Programs that a processor starts must not keep the pipes open after this process died.
        os.set_inheritable(inlet, False)
        os.set_inheritable(outlet, False)
        self._inlet = inlet
        self._outlet = outlet
        self._limit = limit
        self._reader = FrameReader()
        self._frames: list[tuple[int, list[Any]]] = []
        self._sending = threading.Lock()
        self._asking = threading.Lock()
        self._questions = 0
        self._arrival = select.poll()
        self._arrival.register(inlet, select.POLLIN)

    def close(self) -> None:
        """Speaks no more. The engine sees the end when no process has the pipe open."""
        os.close(self._inlet)
        os.close(self._outlet)

    def write(self, frame: bytes) -> None:
        """Writes an encoded frame."""
        written = os.write(self._outlet, frame)
        while written < len(frame):
            written += os.write(self._outlet, memoryview(frame)[written:])

    def receive(self) -> tuple[int, list[Any]]:
        """The next frame.

        Raises:
            EngineGone: there will be none.
        """
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
        """See ``SyncJobPort``. While a job runs, only answers can come."""
        with self._asking:
            self._questions += 1
            number = self._questions
            self._report(Kind.ASK, number, job_id, question, *values)
            while True:
                if not self._frames:
                    # The place to wait at: what the time limit cuts short here has read nothing yet.
                    self._arrival.poll()
                with self._limit.kept_off():
                    _, (answered, answer, problem) = self.receive()
                if answered == number:
                    break
                # (of an earlier question, whose job was cut short)
        if problem:
            raise JobNotHeld(problem)
        return answer

    def _report(self, kind: Kind, *values: Any) -> None:
        """Writes a frame, whole; safe from any thread."""
        frame = encode(kind, *values)
        with self._sending, self._limit.kept_off():
            self.write(frame)
