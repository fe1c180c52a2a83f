"""The scripts of job schedulers, with their arguments as ``redis-queue-backend.js`` of BullMQ 6 sends them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bullmq_bridge.protocol.command import pack
from bullmq_bridge.protocol.exchange import ScriptCall
from bullmq_bridge.protocol.features import SCHEDULING_IN_SCRIPT
from bullmq_bridge.protocol.job_options import shorten

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bullmq_bridge.protocol.bundle import Bundle
    from bullmq_bridge.protocol.keys import QueueKeys


class SchedulerCalls:
    """Calls on the job schedulers of one queue."""

    def __init__(self, keys: QueueKeys, bundle: Bundle) -> None:
        self._keys = keys
        self._bundle = bundle
        self._add = bundle.script("addJobScheduler")
        self._get = bundle.script("getJobScheduler")
        self._remove = bundle.script("removeJobScheduler")

    def upsert(
        self,
        scheduler_id: str,
        *,
        next_ms: int | None,
        data: bytes,
        template_options: Mapping[str, Any],
        schedule: Mapping[str, Any],
        next_job_options: Mapping[str, Any],
        now_ms: int,
    ) -> ScriptCall:
        """Stores a scheduler and its next job. Answers ``[job id, delay]``, or -10, -11 (slots taken).

        Args:
            scheduler_id: its id.
            next_ms: when it runs next (epoch ms); None for ``every``, which the script computes.
            data: JSON text, for every job that it makes.
            template_options: options of every job that it makes.
            schedule: when, by BullMQ's names.
            next_job_options: options of the next job.
            now_ms: now (epoch ms).

        Raises:
            UnsupportedByBackend: the script leaves too much to its caller.
        """
        k = self._keys
        SCHEDULING_IN_SCRIPT.require(self._bundle)
        keys = (
            *(k.repeat, k.delayed, k.wait, k.paused, k.meta, k.prioritized),
            *(k.marker, k.key("id"), k.events, k.priority_counter, k.active),
        )
        arguments = (
            "" if next_ms is None else next_ms,
            pack(schedule),
            scheduler_id,
            data,
            pack(shorten(template_options)),
            pack(shorten(next_job_options)),
            now_ms,
            k.base,
            "",  # the job that made this one: a worker's business
        )
        return ScriptCall(self._add, keys, arguments)

    def get(self, scheduler_id: str) -> ScriptCall:
        """Answers ``[[field, value, …], next ms]`` or ``[None, None]``."""
        return ScriptCall(self._get, (self._keys.repeat,), (scheduler_id,))

    def remove(self, scheduler_id: str) -> ScriptCall:
        """Removes a scheduler and its next job. Answers 0, or 1 when there was none."""
        k = self._keys
        return ScriptCall(self._remove, (k.repeat, k.delayed, k.events), (scheduler_id, k.base))
