"""A child: a process that runs one job at a time for the engine that started it.

``python -m bullmq_bridge.worker.child FD ENGINE_PID LOG_FORMAT``: speaks frames on the socket FD and holds no
connection to Redis. It ends when the engine says so, and dies with the engine.
"""

from __future__ import annotations

import contextvars
import ctypes
import faulthandler
import logging
import os
import select
import signal
import socket
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any, cast

from bullmq_bridge.directive import TOO_LONG, TimeLimitExceeded
from bullmq_bridge.outcome import Outcome, outcome_of
from bullmq_bridge.worker import logs, target, worker
from bullmq_bridge.worker.execution import execute
from bullmq_bridge.worker.frames import FrameReader, Kind, decode_job, encode, encode_outcome
from bullmq_bridge.worker.question import JobNotHeld
from bullmq_bridge.worker.target import Target

if TYPE_CHECKING:
    from types import FrameType

    from bullmq_bridge.contract.contract import QueueContract
    from bullmq_bridge.worker.logs import LogFormat
    from bullmq_bridge.worker.worker import Worker

logger = logging.getLogger("bullmq_bridge.worker")

PR_SET_PDEATHSIG = 1
READ_BYTES = 1 << 16


class EngineGone(Exception):
    """The engine closed the socket: nobody waits for this process any more."""


class EngineSocket:
    """The engine, as a child sees it. Also the port through which a running job reaches it."""

    def __init__(self, fd: int) -> None:
        # Programs that a processor starts must not keep the socket open after this process died.
        os.set_inheritable(fd, False)
        self._socket = socket.socket(fileno=fd)
        self._reader = FrameReader()
        self._frames: list[tuple[int, list[Any]]] = []
        self._sending = threading.Lock()
        self._asking = threading.Lock()

    def close(self) -> None:
        """Speaks no more. The engine sees the end when no process has the socket open."""
        self._socket.close()

    def send(self, kind: Kind, *values: Any) -> None:
        """Writes a frame; safe from any thread."""
        self.write(encode(kind, *values))

    def write(self, frame: bytes) -> None:
        """Writes an encoded frame; safe from any thread."""
        with self._sending:
            self._socket.sendall(frame)

    def receive(self) -> tuple[int, list[Any]]:
        """The next frame.

        Raises:
            EngineGone: there will be none.
        """
        while not self._frames:
            data = self._socket.recv(READ_BYTES)
            if not data:
                raise EngineGone
            self._frames.extend(self._reader.feed(data))
        return self._frames.pop(0)

    def progress(self, job_id: str, progress: bytes) -> None:
        """See ``JobPort``."""
        self.send(Kind.PROGRESS, job_id, progress)

    def log(self, job_id: str, row: str) -> None:
        """See ``JobPort``."""
        self.send(Kind.LOG, job_id, row)

    def ask(self, job_id: str, question: str, *values: Any) -> Any:
        """See ``SyncJobPort``. While a job runs, the only frame that can come is the answer."""
        with self._asking:
            self.send(Kind.ASK, job_id, question, *values)
            _, (answer, problem) = self.receive()
        if problem:
            raise JobNotHeld(problem)
        return answer


def main(arguments: list[str]) -> int:
    """Runs jobs until the engine says stop."""
    fd, engine_pid, log_format = int(arguments[0]), int(arguments[1]), cast("LogFormat", arguments[2])
    _leave_signals_to_the_engine()
    # Stacks on demand (the engine sends this signal), and when C code crashes.
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    faulthandler.enable()
    logs.configure(log_format)
    engine = EngineSocket(fd)
    os.register_at_fork(before=_hold_signals, after_in_parent=_let_signals_come, after_in_child=lambda: _leave(engine))
    _die_with_the_engine(fd, engine_pid)
    worker.inside_child = True
    try:
        _, values = engine.receive()
        declared, contract = _start(Target(*values))
    except EngineGone:
        return 0
    except BaseException:
        engine.send(Kind.BROKEN, traceback.format_exc().rstrip())
        return 1
    engine.send(Kind.READY)
    try:
        _work(engine, declared, contract)
    except EngineGone:
        return 0
    finally:
        _tear_down(declared)
    return 0


def _start(where: Target) -> tuple[Worker, QueueContract]:
    sys.path[:] = where.sys_path
    declared = target.find(where)
    contract = declared.load_contract()
    if declared.setup_hook:
        declared.setup_hook()
    return declared, contract


def _tear_down(declared: Worker) -> None:
    try:
        if declared.teardown_hook:
            declared.teardown_hook()
    except Exception:
        logger.exception("the teardown of queue %s raised", declared.queue)


def _work(engine: EngineSocket, declared: Worker, contract: QueueContract) -> None:
    contracts = {name: contract.job(name) for name in declared.processors}
    limit = SoftLimit()
    while True:
        kind, values = engine.receive()
        if kind == Kind.STOP:
            return
        record = decode_job(values)
        name = record.name or ""
        # A copy for each job: what setup() has put into context variables is there, what another job has is not.
        run = contextvars.copy_context().run
        try:
            with limit:
                outcome: Outcome = run(execute, declared.processors[name], contracts[name], record, engine)
        except TimeLimitExceeded as error:
            # While the data was decoded, or the result encoded.
            outcome = outcome_of(error)
        engine.write(encode_outcome(outcome))


class SoftLimit:
    """Raises ``TimeLimitExceeded`` in the job that runs when the engine sends SIGUSR2, and never between two jobs."""

    def __init__(self) -> None:
        self._running = False
        signal.signal(signal.SIGUSR2, self._raise)

    def __enter__(self) -> None:
        self._running = True

    def __exit__(self, *error: object) -> None:
        self._running = False

    def _raise(self, number: int, frame: FrameType | None) -> None:
        if self._running:
            self._running = False
            raise TimeLimitExceeded(TOO_LONG)


def _leave_signals_to_the_engine() -> None:
    # Service managers signal every process of a service; the engine decides what becomes of the job. A handler and
    # not SIG_IGN, which programs started by a processor would inherit.
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: None)


def _leave(engine: EngineSocket) -> None:
    """In a fork that a processor has made (``multiprocessing``): it does not speak for the job, and can be stopped."""
    engine.close()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in (signal.SIGTERM, signal.SIGUSR2):
        signal.signal(name, signal.SIG_DFL)
    _let_signals_come()


def _hold_signals() -> None:
    # One that reaches a fork before it has its own handlers would be swallowed by ours.
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))


def _let_signals_come() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM))


def _die_with_the_engine(fd: int, engine_pid: int) -> None:
    """However the engine ends, and whatever this process does at that moment."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != engine_pid:
            # It died before the line above took effect.
            os._exit(0)
    else:
        threading.Thread(target=_exit_on_hangup, args=(fd,), daemon=True).start()


def _exit_on_hangup(fd: int) -> None:
    poll = select.poll()
    poll.register(fd, 0)  # a hang-up is reported even when nothing is asked for
    poll.poll()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
