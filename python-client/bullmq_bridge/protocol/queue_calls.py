"""The scripts that look after a queue, with their arguments as bullmq 6.7.0 sends them (``redis-queue-backend.js``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bullmq_bridge.protocol.exchange import ScriptCall

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bullmq_bridge.protocol.bundle import Bundle
    from bullmq_bridge.protocol.calls import Argument
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

    def get_jobs(self, states: Sequence[str], start: int, end: int, ascending: bool) -> ScriptCall:
        """Answers, per state, ``[id, [field, value, …]]`` of each job."""
        order = "1" if ascending else "0"
        return self._call("getJobs", (self._keys.base,), start, end, order, MAX_BACKFILL_ITERATIONS, *states)

    def get_counts(self, states: Sequence[str]) -> ScriptCall:
        """Answers the number of jobs per state."""
        return self._call("getCounts", (self._keys.base,), *states)

    def get_counts_per_priority(self, priorities: Sequence[int]) -> ScriptCall:
        """Answers the number of waiting jobs per priority; 0 is that of the jobs without one."""
        return self._call("getCountsPerPriority", (self._keys.wait, self._keys.prioritized), *priorities)

    def get_rate_limit_ttl(self) -> ScriptCall:
        """Answers for how many ms the queue is rate limited; 0 or less when it is not."""
        return self._call("getRateLimitTtl", (self._keys.limiter, self._keys.meta), "0")

    def pause(self) -> ScriptCall:
        """Pauses the queue."""
        return self._call("pause", self._pause_keys("wait", "paused"), "paused", "1")

    def resume(self, *, emit_event: bool) -> ScriptCall:
        """Resumes the queue. Answers how many jobs of an old ``paused`` list are left: then call it again."""
        return self._call("pause", self._pause_keys("paused", "wait"), "resumed", "1" if emit_event else "0")

    def _pause_keys(self, source: str, target: str) -> tuple[str, ...]:
        k = self._keys
        return (k.key(source), k.key(target), k.meta, k.prioritized, k.events, k.delayed, k.marker)

    def retry(self, job_id: str, state: str, *, lifo: bool, reset_made: bool, reset_started: bool) -> ScriptCall:
        """Puts a finished job back to wait. Answers 1, or -1 (no job), -3 (not in that state)."""
        k = self._keys
        keys = (
            *(k.job(job_id), k.events, k.key(state), k.wait, k.meta),
            *(k.active, k.marker, k.prioritized, k.priority_counter),
        )
        return self._call(
            "reprocessJob",
            keys,
            job_id,
            "RPUSH" if lifo else "LPUSH",
            "failedReason" if state == "failed" else "returnvalue",
            state,
            "1" if reset_made else "0",
            "1" if reset_started else "0",
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
