"""The scripts that look after a queue, with their arguments as ``redis-queue-backend.js`` of BullMQ 6 sends them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bullmq_bridge.protocol.exchange import ScriptCall
from bullmq_bridge.protocol.features import RESET_ATTEMPTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bullmq_bridge.protocol.bundle import Bundle
    from bullmq_bridge.protocol.command import Argument
    from bullmq_bridge.protocol.keys import QueueKeys

#: How often ``getJobs`` goes on to fill a page whose ids turned out to have no job (same bound as Node).
MAX_BACKFILL_ITERATIONS = 5
#: ``Number.MAX_VALUE``: every delayed job, whenever it is due.
ANY_TIME = 1.7976931348623157e308


class QueueCalls:
    """Calls on the jobs and the settings of one queue."""

    def __init__(self, keys: QueueKeys, bundle: Bundle) -> None:
        self._keys = keys
        self._bundle = bundle

    def _call(self, script: str, keys: Sequence[Argument], *arguments: Argument) -> ScriptCall:
        return ScriptCall(self._bundle.script(script), keys, arguments)

    def _variant(self, script: str) -> str:
        return self._bundle.script(script).variant

    def get_state(self, job_id: str) -> ScriptCall:
        """Answers the state that a job is in, ``unknown`` when it is in none."""
        k = self._keys
        keys = (
            *(k.completed, k.failed, k.delayed, k.active),
            *(k.wait, k.paused, k.waiting_children, k.prioritized),
        )
        return self._call("getStateV2", keys, job_id)

    def is_finished(self, job_id: str) -> ScriptCall:
        """Answers ``[0]``, ``[1, returnvalue]``, ``[2, failedReason]``, or ``[-1, text]`` when there is no such job."""
        k = self._keys
        return self._call("isFinished", (k.completed, k.failed, k.job(job_id)), job_id, "1")

    @property
    def has_get_jobs(self) -> bool:
        """Whether one script lists jobs with their hashes (from 5.81.1 on); else ``get_ranges`` lists their ids."""
        return "getJobs" in self._bundle.scripts

    def get_ranges(self, states: Sequence[str], start: int, end: int, ascending: bool) -> ScriptCall:
        """Answers, per state, the ids of its jobs."""
        return self._call("getRanges", (self._keys.base,), start, end, "1" if ascending else "0", *states)

    def get_jobs(self, states: Sequence[str], start: int, end: int, ascending: bool) -> ScriptCall:
        """Answers, per state, ``[id, [field, value, …]]`` of each job."""
        order = "1" if ascending else "0"
        return self._call("getJobs", (self._keys.base,), start, end, order, MAX_BACKFILL_ITERATIONS, *states)

    def get_counts(self, states: Sequence[str]) -> ScriptCall:
        """Answers the number of jobs per state."""
        return self._call("getCounts", (self._keys.base,), *states)

    def get_counts_per_priority(self, priorities: Sequence[int]) -> ScriptCall:
        """Answers the number of waiting jobs per priority; 0 is that of the jobs without one."""
        k = self._keys
        keys = {
            "getCountsPerPriority-4": (k.wait, k.paused, k.meta, k.prioritized),
            "getCountsPerPriority-2": (k.wait, k.prioritized),
        }[self._variant("getCountsPerPriority")]
        return self._call("getCountsPerPriority", keys, *priorities)

    def get_rate_limit_ttl(self) -> ScriptCall:
        """Answers for how many ms the queue is rate limited; 0 or less when it is not."""
        keys = {
            "getRateLimitTtl-1": (self._keys.limiter,),
            "getRateLimitTtl-2": (self._keys.limiter, self._keys.meta),
        }[self._variant("getRateLimitTtl")]
        return self._call("getRateLimitTtl", keys, "0")

    def pause(self) -> ScriptCall:
        """Pauses the queue."""
        return self._pause("wait", "paused", "paused", emit_event=True)

    def resume(self, *, emit_event: bool) -> ScriptCall:
        """Resumes the queue. Answers how many jobs of an old ``paused`` list are left: then call it again."""
        return self._pause("paused", "wait", "resumed", emit_event=emit_event)

    def _pause(self, source: str, target: str, event: str, *, emit_event: bool) -> ScriptCall:
        k = self._keys
        keys = (k.key(source), k.key(target), k.meta, k.prioritized, k.events, k.delayed, k.marker)
        if self._variant("pause") == "pause-7-always-emits":
            return self._call("pause", keys, event)
        return self._call("pause", keys, event, "1" if emit_event else "0")

    def retry(self, job_id: str, state: str, *, lifo: bool, reset_made: bool, reset_started: bool) -> ScriptCall:
        """Puts a finished job back to wait. Answers 1, or -1 (no job), -3 (not in that state).

        Raises:
            UnsupportedByBackend: the script resets no attempts.
        """
        k = self._keys
        last_keys, resets = {
            "reprocessJob-8-without-reset": ((k.paused, k.active, k.marker), False),
            "reprocessJob-8": ((k.paused, k.active, k.marker), True),
            "reprocessJob-7": ((k.active, k.marker), True),
            "reprocessJob-9": ((k.active, k.marker, k.prioritized, k.priority_counter), True),
        }[self._variant("reprocessJob")]
        if (reset_made or reset_started) and not resets:
            RESET_ATTEMPTS.require(self._bundle)
        return self._call(
            "reprocessJob",
            (k.job(job_id), k.events, k.key(state), k.wait, k.meta, *last_keys),
            job_id,
            "RPUSH" if lifo else "LPUSH",
            "failedReason" if state == "failed" else "returnvalue",
            state,
            *(("1" if reset_made else "0", "1" if reset_started else "0") if resets else ()),
        )

    def move_jobs_to_wait(self, state: str, count: int, until_ms: float) -> ScriptCall:
        """Puts up to ``count`` finished or delayed jobs back to wait. Answers 1 while there may be more."""
        k = self._keys
        keys = (k.base, k.events, k.key(state), k.wait, k.paused, k.meta, k.active, k.marker)
        return self._call("moveJobsToWait", keys, count, until_ms, state)

    def promote(self, job_id: str) -> ScriptCall:
        """Makes a delayed job wait no longer. Answers 0, or -3 (not delayed)."""
        k = self._keys
        keys = (
            *(k.delayed, k.wait, k.paused, k.meta, k.prioritized),
            *(k.active, k.priority_counter, k.events, k.marker),
        )
        return self._call("promote", keys, k.base, job_id)

    def change_delay(self, job_id: str, delay_ms: int, now_ms: int) -> ScriptCall:
        """Delays a delayed job anew, from now. Answers 0, or -1 (no job), -3 (not delayed)."""
        k = self._keys
        return self._call(
            "changeDelay", (k.delayed, k.meta, k.marker, k.events), delay_ms, now_ms, job_id, k.job(job_id)
        )

    def change_priority(self, job_id: str, priority: int, *, lifo: bool) -> ScriptCall:
        """Changes a job's priority. Answers 0, or -1 (no job)."""
        k = self._keys
        keys = (k.wait, k.paused, k.meta, k.prioritized, k.active, k.priority_counter, k.marker)
        return self._call("changePriority", keys, priority, k.base, job_id, 1 if lifo else 0)

    def remove(self, job_id: str, *, remove_children: bool) -> ScriptCall:
        """Removes a job. Answers 1, 0 (locked: it, or a child of it, is running), or -8 (a scheduler's next job)."""
        k = self._keys
        return self._call("removeJob", (k.job(job_id), k.repeat), job_id, 1 if remove_children else 0, k.base)

    def drain(self, *, delayed: bool) -> ScriptCall:
        """Removes the jobs that wait, and those that are delayed where wanted."""
        k = self._keys
        keys = (k.wait, k.paused, k.delayed, k.prioritized, k.repeat)
        return self._call("drain", keys, k.base, "1" if delayed else "0")

    def clean(self, state: str, until_ms: int, limit: int) -> ScriptCall:
        """Removes up to ``limit`` jobs of a state that are older. Answers their ids."""
        k = self._keys
        return self._call("cleanJobsInSet", (k.key(state), k.events, k.repeat), k.base, until_ms, limit, state)

    def obliterate(self, count: int, *, force: bool) -> ScriptCall:
        """Removes a paused queue, ``count`` jobs a call. Answers 1 while there is more; -1 (not paused), -2 (used)."""
        k = self._keys
        return self._call("obliterate", (k.meta, k.base), count, "force" if force else "")
