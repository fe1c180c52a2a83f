"""The call that ends most jobs: moveToFinished, which fetches the next one too.

Apart from the other calls because a child process needs no others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from bullmq_bridge.protocol.command import CHANGES, pack, sent, template
from bullmq_bridge.protocol.job import parse_options

if TYPE_CHECKING:
    from bullmq_bridge.protocol.command import Argument
    from bullmq_bridge.protocol.job import JobRecord
    from bullmq_bridge.protocol.keys import QueueKeys
    from bullmq_bridge.protocol.options import WorkerOptions

KEEP_ALL = {"count": -1}
REMOVE_AT_ONCE = {"count": 0}
CACHED_OPTIONS = 1024
#: The fields to write to the job, when there are none.
NO_FIELDS = sent((b"",))


def keep_jobs(setting: Any) -> Mapping[str, Any]:
    """``opts.removeOnComplete`` / ``removeOnFail`` as the scripts want it (``getKeepJobs``, bullmq 6.7.0)."""
    if setting is None or isinstance(setting, bool):
        return REMOVE_AT_ONCE if setting else KEEP_ALL
    if isinstance(setting, Mapping):
        return setting
    return {"count": setting}


class FinishCalls:
    """The calls of moveToFinished of one worker on one queue, packed as they are sent.

    Args:
        script: the first arguments of the call: ``EVALSHA``, the script's SHA1 and its number of keys.
        keys: the queue's keys.
        options: the worker's.
    """

    def __init__(self, script: tuple[Argument, ...], keys: QueueKeys, options: WorkerOptions) -> None:
        self.finish_script = script
        self.keys = keys
        self.options = options
        self._base = keys.base.encode()
        self._options_of_worker: dict[str, Any] = {"lockDuration": options.lock_duration_ms}
        if options.name:
            self._options_of_worker["name"] = options.name
        if limiter := options.limiter:
            self._options_of_worker["limiter"] = {"max": limiter.max_jobs, "duration": limiter.duration_ms}
        # The jobs of a queue mostly have the same options, and a slot keeps its token as long as there are jobs.
        self._last_arguments = lru_cache(CACHED_OPTIONS)(self._pack_last_arguments)
        self._completing = self._first_arguments(keys.completed, keys.completed_metrics, "returnvalue")
        self._failing = self._first_arguments(keys.failed, keys.failed_metrics, "failedReason")

    def _first_arguments(self, target_key: str, metrics_key: str, field: str) -> bytes:
        k = self.keys
        return template(
            (
                *map(str, self.finish_script),
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
                target_key,
                CHANGES,  # the job's key
                metrics_key,
                k.marker,
                CHANGES,  # the job's id
                CHANGES,  # now, in ms
                field,
                CHANGES,  # its value
            ),
            more=5,
        )

    def _pack_last_arguments(self, token: str, job_options: bytes, target: str, fetch_next: bool) -> bytes:
        return sent(
            (
                target,
                "1" if fetch_next else "0",
                self.keys.base,
                pack(self._finish_options(token, job_options, target == "completed")),
            )
        )

    def move_to_completed(self, job: JobRecord, token: str, result: bytes, fetch_next: bool, now_ms: int) -> bytes:
        """Completes a job. ``result`` is JSON text: Node's QueueEvents parses it. Answer: ``parse_fetched``."""
        last = self._last_arguments(token, job.opts_text, "completed", fetch_next)
        return self._finish(self._completing, job, now_ms, result, last + NO_FIELDS)

    def move_to_failed(
        self, job: JobRecord, token: str, reason: str, fields: Sequence[str], fetch_next: bool, now_ms: int
    ) -> bytes:
        """Fails a job for good. ``reason`` is raw text, as Node writes it. Answer: ``parse_fetched``."""
        last = self._last_arguments(token, job.opts_text, "failed", fetch_next)
        return self._finish(self._failing, job, now_ms, reason.encode(), last + sent((pack(fields),)))

    def _finish(self, command: bytes, job: JobRecord, now_ms: int, value: bytes, last: bytes) -> bytes:
        job_id = job.id.encode()
        key = self._base + job_id
        now = b"%d" % now_ms
        return command % (len(key), key, len(job_id), job_id, len(now), now, len(value), value, last)

    def _finish_options(self, token: str, job_options: bytes, completed: bool) -> dict[str, Any]:
        option = parse_options(job_options).get
        keep = (
            option("removeOnComplete", self.options.remove_on_complete)
            if completed
            else option("removeOnFail", self.options.remove_on_fail)
        )
        return {
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
