"""The Redis keys of one queue."""

from __future__ import annotations

import base64

DEFAULT_PREFIX = "bull"


class QueueKeys:
    """Names of the keys that BullMQ's scripts of one queue are called with.

    Args:
        queue: the queue's name; not empty, without ``:`` (BullMQ's own rule, ``queue-base.js``).
        prefix: what BullMQ calls ``prefix``.

    Raises:
        ValueError: the name is empty or has a colon.
    """

    def __init__(self, queue: str, prefix: str = DEFAULT_PREFIX) -> None:
        if not queue:
            raise ValueError("a queue needs a name")
        if ":" in queue:
            raise ValueError(f"queue name {queue!r} may not contain ':' (BullMQ builds its keys with it)")
        self.queue = queue
        self.prefix = prefix
        self.base = f"{prefix}:{queue}:"
        self.wait = self.key("wait")
        self.paused = self.key("paused")
        self.active = self.key("active")
        self.prioritized = self.key("prioritized")
        self.priority_counter = self.key("pc")
        self.delayed = self.key("delayed")
        self.waiting_children = self.key("waiting-children")
        self.completed = self.key("completed")
        self.failed = self.key("failed")
        self.marker = self.key("marker")
        self.meta = self.key("meta")
        self.events = self.key("events")
        self.stalled = self.key("stalled")
        self.stalled_check = self.key("stalled-check")
        self.limiter = self.key("limiter")
        self.repeat = self.key("repeat")
        self.id = self.key("id")
        self.completed_metrics = self.key("metrics:completed")
        self.failed_metrics = self.key("metrics:failed")

    def key(self, suffix: str) -> str:
        """The key ``<prefix>:<queue>:<suffix>``."""
        return self.base + suffix

    def job(self, job_id: str) -> str:
        """The hash of a job."""
        return self.base + job_id

    def lock(self, job_id: str) -> str:
        """The lock of a job: a string that holds the token of the worker that runs it."""
        return f"{self.base}{job_id}:lock"

    def client_name(self, worker_name: str | None = None) -> str:
        """The connection name by which Node's ``getWorkers`` finds a worker (``clientName``, bullmq 6.7.0)."""
        name = f"{self.prefix}:{base64.b64encode(self.queue.encode()).decode()}"
        return f"{name}:w:{worker_name}" if worker_name else name
