from __future__ import annotations

import os
import signal
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from bullmq_bridge.worker.engine_port import EnginePort
from bullmq_bridge.worker.frames import FrameReader, Kind, encode
from bullmq_bridge.worker.question import JobNotHeld
from bullmq_bridge.worker.soft_limit import SoftLimit

if TYPE_CHECKING:
    from collections.abc import Iterator


class Engine:
    """The other ends of a port's pipes."""

    def __init__(self) -> None:
        inlet, self.to_child = os.pipe()
        self.from_child, outlet = os.pipe()
        self.ear, bell = socket.socketpair()
        self.ear.setblocking(False)
        before = signal.getsignal(signal.SIGUSR2)
        self.port = EnginePort(inlet, outlet, bell, SoftLimit())
        signal.signal(signal.SIGUSR2, before)

    def close(self) -> None:
        self.port.close()
        os.close(self.to_child)
        os.close(self.from_child)
        self.ear.close()


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.close()


def test_an_answer_is_found_behind_one_that_came_too_late_though_both_are_read_at_once(engine: Engine) -> None:
    late = encode(Kind.ANSWER, 0, "of an earlier question", None)
    os.write(engine.to_child, late + encode(Kind.ANSWER, 1, "right", None))
    answers: list[object] = []
    asking = threading.Thread(target=lambda: answers.append(engine.port.ask("1", "question")), daemon=True)
    asking.start()
    asking.join(timeout=10)
    assert answers == ["right"]


def test_a_question_carries_its_number(engine: Engine) -> None:
    os.write(engine.to_child, encode(Kind.ANSWER, 1, None, "not held"))
    with pytest.raises(JobNotHeld, match="not held"):
        engine.port.ask("7", "question", "value")
    frames = list(FrameReader().feed(os.read(engine.from_child, 4096)))
    assert frames == [(Kind.ASK, [1, "7", "question", "value"])]


def test_what_is_no_answer_is_kept_while_an_answer_is_waited_for(engine: Engine) -> None:
    os.write(engine.to_child, encode(Kind.RECALL) + encode(Kind.LINE) + encode(Kind.ANSWER, 1, "yes", None))
    assert engine.port.ask("7", "question") == "yes"
    assert engine.port.has_word
    assert [engine.port.receive()[0] for _ in range(2)] == [Kind.RECALL, Kind.LINE]
    assert not engine.port.has_word


def test_a_quiet_engine_is_rung_for_when_it_must_hear_at_once(engine: Engine) -> None:
    engine.port.quiet = True
    engine.port.write(encode(Kind.READY), at_leisure=True)
    with pytest.raises(BlockingIOError):
        engine.ear.recv(1)
    engine.port.log("7", "line")
    assert engine.ear.recv(10) == b"\0"
    engine.port.log("7", "another")
    with pytest.raises(BlockingIOError):
        engine.ear.recv(1)


def test_a_quiet_engine_is_rung_for_before_a_frame_that_may_fill_the_pipe(engine: Engine) -> None:
    engine.port.quiet = True
    frame = encode(Kind.LOG, "7", "x" * 200_000)
    writing = threading.Thread(target=lambda: engine.port.write(frame, at_leisure=True), daemon=True)
    writing.start()
    engine.ear.setblocking(True)
    engine.ear.settimeout(10)
    assert engine.ear.recv(10) == b"\0"
    read = b""
    while len(read) < len(frame):
        read += os.read(engine.from_child, 65536)
    writing.join(timeout=10)
    assert read == frame
