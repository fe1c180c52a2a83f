from __future__ import annotations

import os
import signal
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
        before = signal.getsignal(signal.SIGUSR2)
        self.port = EnginePort(inlet, outlet, SoftLimit())
        signal.signal(signal.SIGUSR2, before)

    def close(self) -> None:
        self.port.close()
        os.close(self.to_child)
        os.close(self.from_child)


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
