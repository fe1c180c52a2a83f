"""How a worker behaves."""

from __future__ import annotations

from dataclasses import dataclass

from bullmq_bridge.protocol.keys import DEFAULT_PREFIX

DEFAULT_REDIS_URL = "redis://127.0.0.1:6379"


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of one worker. The defaults are those of Node's Worker (bullmq 6.7.0) where it has the setting.

    Args:
        queue: the queue's name.
        redis_url: ``redis://``, ``rediss://`` or ``unix://``, as redis-py reads it.
        concurrency: number of slots: jobs that run at the same time.
        prefix: BullMQ's ``prefix``.
        name: written to each job that this worker starts, and shown by ``getWorkers``.
        lock_duration_ms: how long a job stays ours if this process vanishes; renewed every quarter of it.
        stalled_interval_ms: how often jobs without a lock are looked for.
        max_stalled_count: how often a job may stall before it fails.
        drain_delay_s: how long to wait for the marker before asking again all the same.
        shutdown_timeout_s: how long running jobs may finish after SIGTERM or SIGINT.
    """

    queue: str
    redis_url: str = DEFAULT_REDIS_URL
    concurrency: int = 1
    prefix: str = DEFAULT_PREFIX
    name: str | None = None
    lock_duration_ms: int = 30_000
    stalled_interval_ms: int = 30_000
    max_stalled_count: int = 1
    drain_delay_s: float = 5.0
    shutdown_timeout_s: float = 25.0

    def __post_init__(self) -> None:
        """Refuses what cannot work, before anything is started.

        Raises:
            ValueError: a setting is out of its range.
        """
        for setting in ("concurrency", "lock_duration_ms", "stalled_interval_ms", "drain_delay_s"):
            if getattr(self, setting) <= 0:
                raise ValueError(f"{setting} of the worker for queue {self.queue!r} must be greater than 0")
        for setting in ("max_stalled_count", "shutdown_timeout_s"):
            if getattr(self, setting) < 0:
                raise ValueError(f"{setting} of the worker for queue {self.queue!r} must not be negative")
        if self.name is not None and any(character.isspace() for character in self.name):
            # CLIENT SETNAME refuses it, and getWorkers would not find the worker.
            raise ValueError(f"worker name {self.name!r} may not contain white space")
