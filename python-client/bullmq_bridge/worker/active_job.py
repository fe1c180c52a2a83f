"""A job that this worker holds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
