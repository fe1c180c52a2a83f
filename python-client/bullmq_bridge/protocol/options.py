"""The options of a worker that the scripts are told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bullmq_bridge.protocol.backoff import Strategy


@dataclass(frozen=True, slots=True)
class Limiter:
    """At most ``max_jobs`` jobs of the queue start within ``duration_ms``, over all workers that have a limiter."""

    max_jobs: int
    duration_ms: int


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """Options of one worker on the wire. The names are those of Node's ``WorkerOptions`` where it has them.

    Args:
        name: written to each job that the worker starts (``pb``).
        lock_duration_ms: how long a lock lasts without renewal.
        limiter: rate limit of this worker.
        max_started_attempts: starts after which a job fails without running; None is no limit.
        remove_on_complete, remove_on_fail: what is kept of finished jobs that do not say it themselves.
        max_metrics_points: minutes of metrics kept of the queue; None collects none.
        backoffs: strategies besides ``fixed`` and ``exponential``.
    """

    name: str | None = None
    lock_duration_ms: int = 30_000
    limiter: Limiter | None = None
    max_started_attempts: int | None = None
    remove_on_complete: Any = None
    remove_on_fail: Any = None
    max_metrics_points: int | None = None
    backoffs: Mapping[str, Strategy] = field(default_factory=dict)
