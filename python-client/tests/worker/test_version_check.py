from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from bullmq_bridge.protocol.keys import QueueKeys
from bullmq_bridge.worker import version_check
from bullmq_bridge.worker.connection import ReplyError
from bullmq_bridge.worker.events import Events
from bullmq_bridge.worker.version_check import VersionCheck

if TYPE_CHECKING:
    from bullmq_bridge.worker.events import Event

OURS = b"bullmq:6.7.0"


class ToldLine:
    """A line over which the given answers come, one after the other; disconnected when there are no more."""

    def __init__(self, answers: list[Any]) -> None:
        self._answers = answers
        self.is_connected = True
        self.ended = asyncio.Event()

    async def ask(self, *command: Any) -> Any:
        answer = self._next(command)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def send(self, call: Any) -> None:
        call.on_reply(self._next(call.command))

    def _next(self, command: Any) -> Any:
        assert command == ("HGET", "bull:mail:meta", "version")
        answer = self._answers.pop(0)
        if not self._answers:
            self.is_connected = False
            self.ended.set()
        return answer


def _told(*answers: Any, allowed: bool = False) -> list[str]:
    """What a worker with the scripts of BullMQ 6.7.0 tells when it reads this."""
    told: list[str] = []

    def tell(event: Event) -> None:
        told.append(event.details["what"] if event.name == "error" else event.details["verdict"].relation)

    async def look() -> None:
        events = Events("mail")
        events.on("backend_version", tell)
        events.on("error", tell)
        line: Any = ToldLine(list(answers))
        calls: Any = SimpleNamespace(keys=QueueKeys("mail"), bullmq="6.7.0")
        check = VersionCheck(calls, line, events, allowed, lambda mismatch: told.append(type(mismatch).__name__))
        await check.before_work()
        check.start()
        await asyncio.wait_for(line.ended.wait(), 10)
        check.stop()

    asyncio.run(look())
    return told


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(version_check, "INTERVAL_S", 0.001)


def test_each_version_that_is_not_ours_is_told_once_however_often_it_is_read() -> None:
    other = b"bullmq:6.0.1"
    assert _told(OURS, other, other, OURS, other, b"bullmq:6.0.2") == ["other_release", "other_release"]
    assert _told(None, None, OURS, None) == ["not_written"]


def test_a_mismatch_is_told_and_then_refused() -> None:
    assert _told(b"bullmq:5.81.5") == ["other_major", "VersionMismatch"]
    assert _told(OURS, OURS, b"bullmq-pro:7.1.0") == ["pro", "VersionMismatch"]


def test_a_mismatch_that_is_allowed_is_only_told() -> None:
    assert _told(b"bullmq:5.81.5", OURS, b"bullmq:5.81.5", allowed=True) == ["other_major"]


def test_a_version_that_cannot_be_read_or_is_no_text_stops_nobody() -> None:
    denied = ReplyError("NOPERM")
    assert _told(denied, denied, OURS) == ["reading the backend's version: NOPERM"] * 2
    assert _told(b"\xff\xfe") == ["other_library"]
