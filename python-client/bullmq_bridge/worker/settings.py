"""How a worker behaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from bullmq_bridge.protocol.keys import DEFAULT_PREFIX
from bullmq_bridge.protocol.options import Limiter, WorkerOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bullmq_bridge.protocol.backoff import Strategy

DEFAULT_REDIS_URL = "redis://127.0.0.1:6379"

#: Where a plain function runs.
PoolName = Literal["process", "thread"]
#: What a worker does that does not go together with a live producer.
OnMismatch = Literal["refuse", "warn"]


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of one worker. The defaults are those of Node's Worker (bullmq 6.7.0) where it has the setting.

    Args:
        queue: the queue's name.
        redis_url: ``redis://``, ``rediss://`` or ``unix://``, as redis-py reads it.
        concurrency: number of slots: jobs that run at the same time.
        prefix: BullMQ's ``prefix``.
        name: written to each job that this worker starts, and shown by ``getWorkers``.
        pool: where plain functions run that do not choose for themselves: ``process`` or ``thread``.
        lock_duration_ms: how long a job stays ours if this process vanishes; renewed every quarter of it.
        stalled_interval_ms: how often jobs without a lock are looked for.
        max_stalled_count: how often a job may stall before it fails.
        max_started_attempts: starts after which a job fails without running; counts snoozes and hand-backs too.
        drain_delay_s: how long to wait for the marker before asking again all the same.
        shutdown_timeout_s: how long running jobs may finish after SIGTERM or SIGINT.
        limiter: at most so many jobs of the queue in a time, over all workers with a limiter.
        remove_on_complete, remove_on_fail: what is kept of finished jobs that do not say it themselves: True for
            nothing, a number of jobs, or ``{"count", "age" (s), "limit"}``.
        max_metrics_points: minutes of metrics kept of the queue; None collects none.
        time_limit_s: a job that runs longer is stopped: its process is killed, its coroutine cancelled.
        soft_time_limit_s: a job that runs longer gets ``TimeLimitExceeded`` raised in it, and may clean up.
        max_memory_mb: a process slot whose memory (RSS) is above is killed; above three quarters of it between two
            jobs it is replaced.
        max_jobs_per_child: a process slot is replaced after so many jobs.
        start_timeout_s: a process slot that is not ready after so long is reported, killed and started again.
        burst: stop when the queue has nothing to do.
        announce: tell producers through Redis which contract this worker reads, look at theirs, and ``refuse`` to start
            or ``warn`` when they do not go together; None does neither.
        allow_version_mismatch: work beside a BullMQ of another major version than the bundle's, of one before 5.58,
            or beside BullMQ Pro, though jobs can get lost.
    """

    queue: str
    redis_url: str = DEFAULT_REDIS_URL
    concurrency: int = 1
    prefix: str = DEFAULT_PREFIX
    name: str | None = None
    pool: PoolName = "process"
    lock_duration_ms: int = 30_000
    stalled_interval_ms: int = 30_000
    max_stalled_count: int = 1
    max_started_attempts: int | None = None
    drain_delay_s: float = 5.0
    shutdown_timeout_s: float = 25.0
    limiter: Limiter | None = None
    remove_on_complete: Any = None
    remove_on_fail: Any = None
    max_metrics_points: int | None = None
    time_limit_s: float | None = None
    soft_time_limit_s: float | None = None
    max_memory_mb: float | None = None
    max_jobs_per_child: int | None = None
    start_timeout_s: float = 60.0
    burst: bool = False
    announce: OnMismatch | None = None
    allow_version_mismatch: bool = False

    def __post_init__(self) -> None:
        """Refuses what cannot work, before anything is started.

        Raises:
            ValueError: a setting is out of its range.
        """
        for setting in _POSITIVE:
            value = getattr(self, setting)
            if value is not None and not value > 0:
                raise ValueError(f"{setting} of the worker for queue {self.queue!r} must be greater than 0")
        for setting in ("max_stalled_count", "shutdown_timeout_s"):
            if getattr(self, setting) < 0:
                raise ValueError(f"{setting} of the worker for queue {self.queue!r} must not be negative")
        if self.pool not in ("process", "thread"):
            raise ValueError(f"pool of the worker for queue {self.queue!r} must be 'process' or 'thread'")
        if self.announce not in (None, "refuse", "warn"):
            raise ValueError(f"announce of the worker for queue {self.queue!r} must be 'refuse' or 'warn'")
        if self.name is not None and any(character.isspace() for character in self.name):
            # CLIENT SETNAME refuses it, and getWorkers would not find the worker.
            raise ValueError(f"worker name {self.name!r} may not contain white space")

    def wire(self, backoffs: Mapping[str, Strategy]) -> WorkerOptions:
        """What of the settings the scripts are told."""
        return WorkerOptions(
            name=self.name,
            lock_duration_ms=self.lock_duration_ms,
            limiter=self.limiter,
            max_started_attempts=self.max_started_attempts,
            remove_on_complete=self.remove_on_complete,
            remove_on_fail=self.remove_on_fail,
            max_metrics_points=self.max_metrics_points,
            backoffs=backoffs,
        )


_POSITIVE = (
    "concurrency",
    "lock_duration_ms",
    "stalled_interval_ms",
    "max_started_attempts",
    "drain_delay_s",
    "max_metrics_points",
    "time_limit_s",
    "soft_time_limit_s",
    "max_memory_mb",
    "max_jobs_per_child",
    "start_timeout_s",
)


class WorkerSettings(TypedDict, total=False):
    """The keyword arguments of ``Worker``: see ``Settings``. What is not given is None or left out."""

    redis_url: str | None
    concurrency: int | None
    prefix: str | None
    name: str | None
    pool: PoolName | None
    lock_duration_ms: int | None
    stalled_interval_ms: int | None
    max_stalled_count: int | None
    max_started_attempts: int | None
    drain_delay_s: float | None
    shutdown_timeout_s: float | None
    limiter: Limiter | None
    remove_on_complete: Any
    remove_on_fail: Any
    max_metrics_points: int | None
    time_limit_s: float | None
    soft_time_limit_s: float | None
    max_memory_mb: float | None
    max_jobs_per_child: int | None
    start_timeout_s: float | None
    burst: bool | None
    announce: OnMismatch | None
    allow_version_mismatch: bool | None
