"""A child: a process that runs one job at a time for the engine that started it.

``python -m bullmq_bridge.worker.child INLET OUTLET COURIER ENGINE_PID LOG_FORMAT`` (the first three: file descriptors)
speaks frames on two pipes and gets connections to Redis over a socket. It ends when the engine says so, and dies with
the engine.
"""

from __future__ import annotations

import contextlib
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
from typing import TYPE_CHECKING, cast

from bullmq_bridge.worker import logs, target, worker
from bullmq_bridge.worker.child_slot import ChildSlot
from bullmq_bridge.worker.engine_port import EngineGone, EnginePort
from bullmq_bridge.worker.frames import Kind, encode
from bullmq_bridge.worker.own_jobs import decode_own_jobs
from bullmq_bridge.worker.soft_limit import SoftLimit
from bullmq_bridge.worker.target import Target

if TYPE_CHECKING:
    from bullmq_bridge.contract.contract import QueueContract
    from bullmq_bridge.worker.logs import LogFormat
    from bullmq_bridge.worker.worker import Worker

logger = logging.getLogger("bullmq_bridge.worker")

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> int:
    """Runs jobs until the engine says stop."""
    inlet, outlet, courier_descriptor, engine_pid = map(int, arguments[:4])
    _leave_signals_to_the_engine()
    # Stacks on demand (the engine sends this signal), and when C code crashes.
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    faulthandler.enable()
    logs.configure(cast("LogFormat", arguments[4]))
    _let_others_go_first()
    limit = SoftLimit()
    courier = _socket(courier_descriptor)
    engine = EnginePort(inlet, outlet, courier, limit)
    os.register_at_fork(before=_hold_signals, after_in_parent=_let_signals_come, after_in_child=lambda: _leave(engine))
    _die_with_the_engine(inlet, engine_pid)
    worker.inside_child = True
    try:
        _, (own_jobs, *where) = engine.receive()
        declared, contract = _start(Target(*where))
        slot = ChildSlot(engine, courier, limit, declared, contract, decode_own_jobs(own_jobs))
    except EngineGone:
        return 0
    except BaseException:
        engine.write(encode(Kind.BROKEN, traceback.format_exc().rstrip()))
        return 1
    engine.write(encode(Kind.READY))
    try:
        slot.work()
    except EngineGone:
        return 0
    finally:
        _tear_down(declared)
    return 0


def _socket(descriptor: int) -> socket.socket:
    os.set_inheritable(descriptor, False)
    return socket.socket(fileno=descriptor)


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


def _let_others_go_first() -> None:
    # A process that computes gains nothing from interrupting others when it wakes; the engine, which keeps the locks,
    # and a Redis on the same machine would lose much. It gets its share of the CPU all the same.
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # where a sandbox forbids it, it works without
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _leave_signals_to_the_engine() -> None:
    # Service managers signal every process of a service; the engine decides what becomes of the job. A handler and
    # not SIG_IGN, which programs started by a processor would inherit.
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: None)


def _leave(engine: EnginePort) -> None:
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
