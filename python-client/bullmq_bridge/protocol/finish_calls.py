"""The call that ends most jobs: moveToFinished, which fetches the next one too.

Apart from the other calls because a child process needs no others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from bullmq_bridge.protocol.command import Argument, Command, pack
from bullmq_bridge.protocol.job import parse_options

if TYPE_CHECKING:
    from bullmq_bridge.protocol.job import JobRecord
    from bullmq_bridge.protocol.keys import QueueKeys
    from bullmq_bridge.protocol.options import WorkerOptions

KEEP_ALL = {"count": -1}
REMOVE_AT_ONCE = {"count": 0}
CACHED_OPTIONS = 1024


def keep_jobs(setting: Any) -> Mapping[str, Any]:
    """``opts.removeOnComplete`` / ``removeOnFail`` as the scripts want it (``getKeepJobs``, bullmq 6.7.0)."""
    if setting is None or isinstance(setting, bool):
        return REMOVE_AT_ONCE if setting else KEEP_ALL
    if isinstance(setting, Mapping):
        return setting
    return {"count": setting}


class FinishCalls:
    """The calls of moveToFinished of one worker on one queue.

    Args:
        script: the first arguments of the call: ``EVALSHA``, the script's SHA1 and its number of keys.
        keys: the queue's keys.
        options: the worker's.
    """

    def __init__(self, script: tuple[Argument, ...], keys: QueueKeys, options: WorkerOptions) -> None:
        self.finish_script = script
        self.keys = keys
        self.options = options
        self._options_of_worker: dict[str, Any] = {"lockDuration": options.lock_duration_ms}
        if options.name:
            self._options_of_worker["name"] = options.name
        if limiter := options.limiter:
            self._options_of_worker["limiter"] = {"max": limiter.max_jobs, "duration": limiter.duration_ms}
        # The jobs of a queue mostly have the same options, and a slot keeps its token as long as there are jobs.
        self._finish_options = lru_cache(CACHED_OPTIONS)(self._pack_finish_options)
        k = keys
        self._finish_head = (
            *script,
            k.wait,
            k.active,
            k.prioritized,
            k.events,
            k.stalled,
            k.limiter,
            k.delayed,
            k.paused,
            k.meta,
            k.priority_counter,
        )

    def move_to_completed(self, job: JobRecord, token: str, result: bytes, fetch_next: bool, now_ms: int) -> Command:
        """Completes a job. ``result`` is JSON text: Node's QueueEvents parses it. Answers a ``Fetched``."""
        return self._finish(job, token, "completed", "returnvalue", result, b"", fetch_next, now_ms)

    def move_to_failed(
        self, job: JobRecord, token: str, reason: str, fields: Sequence[str], fetch_next: bool, now_ms: int
    ) -> Command:
        """Fails a job for good. ``reason`` is raw text, as Node writes it. Answers a ``Fetched``."""
        return self._finish(job, token, "failed", "failedReason", reason, pack(fields), fetch_next, now_ms)

    def _finish(
        self,
        job: JobRecord,
        token: str,
        target: str,
        field: str,
        value: Argument,
        fields: bytes,
        fetch_next: bool,
        now_ms: int,
    ) -> Command:
        keys = self.keys
        completed = target == "completed"
        return (
            *self._finish_head,
            keys.completed if completed else keys.failed,
            keys.job(job.id),
            keys.completed_metrics if completed else keys.failed_metrics,
            keys.marker,
            job.id,
            now_ms,
            field,
            value,
            target,
            "1" if fetch_next else "0",
            keys.base,
            self._finish_options(token, job.opts_text, completed),
            fields,
        )

    def _pack_finish_options(self, token: str, job_options: bytes, completed: bool) -> bytes:
        option = parse_options(job_options).get
        keep = (
            option("removeOnComplete", self.options.remove_on_complete)
            if completed
            else option("removeOnFail", self.options.remove_on_fail)
        )
        return pack(
            {
                **self._options_of_worker,
                "token": token,
                "keepJobs": keep_jobs(keep),
                "attempts": option("attempts", 0),
                "maxMetricsSize": self.options.max_metrics_points or "",
                "fpof": bool(option("fpof")),
                "cpof": bool(option("cpof")),
                "idof": bool(option("idof")),
                "rdof": bool(option("rdof")),
            }
        )
