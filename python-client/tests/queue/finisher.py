"""A worker that does no work: it takes a job and ends it, with BullMQ's own scripts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgpack  # type: ignore[import-untyped]

from bullmq_bridge.protocol.bundle import load_bundle
from bullmq_bridge.protocol.keys import QueueKeys

if TYPE_CHECKING:
    import redis


class Finisher:
    """Ends jobs of one queue, one at a time.

    Args:
        client: any client; its decoding does not matter.
        queue: the queue's name.
        prefix: BullMQ's prefix.
    """

    def __init__(self, client: redis.Redis, queue: str, prefix: str) -> None:
        self._keys = QueueKeys(queue, prefix)
        bundle = load_bundle()
        self._take = client.register_script(bundle.script("moveToActive").source)
        self._finish = client.register_script(bundle.script("moveToFinished").source)
        self._client = client

    def complete(self, returnvalue: str = "null", **options: Any) -> str:
        """Completes the next job with this JSON text; gives its id."""
        return self._end(self.take(), "completed", "returnvalue", returnvalue, [], options)

    def fail(self, reason: str, fields: list[str] | None = None) -> str:
        """Fails the next job for good; gives its id."""
        return self._end(self.take(), "failed", "failedReason", reason, fields or [], {})

    def take(self) -> str:
        """Takes the next job; gives its id."""
        k = self._keys
        keys = [k.wait, k.active, k.prioritized, k.events, k.stalled, k.limiter, k.delayed, k.paused, k.meta]
        packed = msgpack.packb({"token": "t", "lockDuration": 30_000})
        reply: Any = self._take(keys=[*keys, k.priority_counter, k.marker], args=[k.base, _now(), packed])
        job_id = reply[1]
        return job_id.decode() if isinstance(job_id, bytes) else str(job_id)

    def _end(self, job_id: str, state: str, field: str, value: str, fields: list[str], options: dict[str, Any]) -> str:
        k = self._keys
        keys = [k.wait, k.active, k.prioritized, k.events, k.stalled, k.limiter, k.delayed, k.paused, k.meta]
        finished = k.completed if state == "completed" else k.failed
        metrics = k.key(f"metrics:{state}")
        packed = msgpack.packb(
            {"token": "t", "lockDuration": 30_000, "keepJobs": {"count": -1}, "attempts": 1, "maxMetricsSize": ""}
            | options
        )
        reply: Any = self._finish(
            keys=[*keys, k.priority_counter, finished, k.job(job_id), metrics, k.marker],
            args=[job_id, _now(), field, value, state, "0", k.base, packed, msgpack.packb(fields) if fields else b""],
        )
        assert reply == 0
        return job_id


def _now() -> int:
    return int(time.time() * 1000)
