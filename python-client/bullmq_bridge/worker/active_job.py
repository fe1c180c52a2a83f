"""A job that this worker holds, and the commands that are on their way for it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from bullmq_bridge.worker.connection import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from bullmq_bridge.protocol.calls import Command
    from bullmq_bridge.protocol.job import JobRecord


class ActiveJob:
    """A job under our lock.

    ``settling``: how it ended is known and on its way to Redis; the lock is renewed until the answer is here.
    """

    __slots__ = ("record", "renewed_at", "settling", "slot", "token")

    def __init__(self, record: JobRecord, token: str, slot: int) -> None:
        self.record = record
        self.token = token
        self.slot = slot
        self.renewed_at = time.monotonic()
        self.settling = False


class FetchCall(Call):
    """moveToActive for a slot. Lost: whether it took a job shows in ``active``."""

    __slots__ = ("slot",)

    def __init__(self, command: Command, on_reply: Callable[[Any], None], slot: int) -> None:
        super().__init__(command, on_reply)
        self.slot = slot


class JobCall(Call):
    """A command that ends our hold on a job. Lost: the job's lock tells whether it was applied."""

    __slots__ = ("job",)

    def __init__(self, command: Command, on_reply: Callable[[Any], None], job: ActiveJob) -> None:
        super().__init__(command, on_reply)
        self.job = job


class NoteCall(Call):
    """Progress or a log line. Lost: sent again, unless a later command of the same connection was applied."""

    __slots__ = ()


class PassingCall(Call):
    """A command of a timer, which comes again by itself. Lost: forgotten."""

    __slots__ = ()
