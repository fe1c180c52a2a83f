"""One method a script: builds the arguments of ``EVALSHA``.

The order of keys and arguments is that of the header of each script, of the variant that the bundle has: decided once,
when the calls of a worker are set up. A contract test compares them with what BullMQ itself sends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bullmq_bridge.protocol.command import pack
from bullmq_bridge.protocol.features import SCHEDULING_IN_SCRIPT
from bullmq_bridge.protocol.finish_calls import FinishCalls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bullmq_bridge.protocol.bundle import Bundle, Script
    from bullmq_bridge.protocol.command import Argument, Command
    from bullmq_bridge.protocol.job import JobRecord
    from bullmq_bridge.protocol.keys import QueueKeys
    from bullmq_bridge.protocol.options import WorkerOptions
    from bullmq_bridge.protocol.scheduler import NextIteration

MAX_SAFE_INTEGER = 2**53 - 1


class ScriptCalls(FinishCalls):
    """The script calls of one worker on one queue.

    Args:
        keys: the queue's keys.
        bundle: the scripts.
        options: the worker's.
    """

    def __init__(self, keys: QueueKeys, bundle: Bundle, options: WorkerOptions) -> None:
        self.scripts: list[Script] = []
        super().__init__(self._use(bundle, "moveToFinished"), keys, options)
        self.bullmq = bundle.bullmq
        self.lock_duration_ms = options.lock_duration_ms
        self._move_to_active = self._use(bundle, "moveToActive")
        self._move_to_delayed = self._use(bundle, "moveToDelayed")
        self._retry_job = self._use(bundle, "retryJob")
        self._extend_locks = self._use(bundle, "extendLocks")
        self._move_stalled = self._use(bundle, "moveStalledJobsToWait")
        self._move_to_waiting_children = self._use(bundle, "moveToWaitingChildren")
        self._move_to_wait = self._use(bundle, "moveJobFromActiveToWait")
        self._update_progress = self._use(bundle, "updateProgress")
        self._add_log = self._use(bundle, "addLog")
        self._extend_lock = self._use(bundle, "extendLock")
        self._update_data = self._use(bundle, "updateData")
        self._update_job_scheduler = self._use(bundle, "updateJobScheduler")
        k = keys
        self._fetch_head = (
            *self._move_to_active,
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
            k.marker,
            k.base,
        )
        # Until 5.73.2 it fetches nothing; from 6.3.5 on there is no list of paused jobs to fetch from.
        self._delayed_tail, self._delayed_fetches = {
            "moveToDelayed-8": ((), False),
            "moveToDelayed-12": ((k.wait, k.limiter, k.paused, k.priority_counter), True),
            "moveToDelayed-11": ((k.wait, k.limiter, k.priority_counter), True),
        }[bundle.script("moveToDelayed").variant]
        # From 5.78.1 on it knows the jobs of schedulers.
        self._stalled_tail = {
            "moveStalledJobsToWait-8": (),
            "moveStalledJobsToWait-9": (k.repeat,),
        }[bundle.script("moveStalledJobsToWait").variant]
        #: Whether the script of ``update_job_scheduler`` computes when a scheduler with an interval is due next.
        self.computes_every = SCHEDULING_IN_SCRIPT.is_in(bundle)

    def _use(self, bundle: Bundle, name: str) -> tuple[Argument, ...]:
        script = bundle.script(name)
        self.scripts.append(script)
        return ("EVALSHA", script.sha1, script.keys)

    def move_to_active(self, token: str, now_ms: int) -> Command:
        """Takes the next job, if there is one. Answer: ``parse_fetched``."""
        return (*self._fetch_head, now_ms, pack(self._fetch_options(token)))

    def _fetch_options(self, token: str) -> dict[str, Any]:
        return {**self._options_of_worker, "token": token}

    def retry_job(self, job: JobRecord, token: str, fields: Sequence[str], now_ms: int) -> Command:
        """Puts a failed job back to be tried again at once. Answers 0 and fetches nothing."""
        k = self.keys
        return (
            *self._retry_job,
            k.active,
            k.wait,
            k.paused,
            k.job(job.id),
            k.meta,
            k.events,
            k.delayed,
            k.prioritized,
            k.priority_counter,
            k.marker,
            k.stalled,
            k.base,
            now_ms,
            "RPUSH" if job.opts.get("lifo") else "LPUSH",
            job.id,
            token,
            pack(fields),
        )

    def move_to_delayed(
        self,
        job: JobRecord,
        token: str,
        delay_ms: int,
        fields: Sequence[str],
        fetch_next: bool,
        now_ms: int,
        skip_attempt: bool = False,
    ) -> Command:
        """Puts a job back for later. Answers a job as ``parse_fetched`` reads it, or 0: then nothing is known."""
        k = self.keys
        command = (
            *self._move_to_delayed,
            k.marker,
            k.active,
            k.prioritized,
            k.delayed,
            k.job(job.id),
            k.events,
            k.meta,
            k.stalled,
            *self._delayed_tail,
            k.base,
            now_ms,
            job.id,
            token,
            delay_ms,
            "1" if skip_attempt else "0",
            pack(fields) if fields else b"",
        )
        if not self._delayed_fetches:
            return command
        return (*command, "1" if fetch_next else "0", pack(self._fetch_options(token)) if fetch_next else b"")

    def move_to_waiting_children(self, job_id: str, token: str, now_ms: int) -> Command:
        """Sends a parent back to wait for its children. Answers 0, or 1 when none is pending any more."""
        k = self.keys
        job_key = k.job(job_id)
        return (
            *self._move_to_waiting_children,
            k.active,
            k.waiting_children,
            job_key,
            f"{job_key}:dependencies",
            f"{job_key}:unsuccessful",
            k.stalled,
            k.events,
            token,
            "",
            now_ms,
            job_id,
            k.base,
        )

    def move_to_wait(self, job_id: str, token: str) -> Command:
        """Hands an active job back, charging neither an attempt nor a stall.

        A prioritised job comes back without a marker: ``ZADD marker 0 "0"`` must follow.
        """
        k = self.keys
        return (
            *self._move_to_wait,
            k.active,
            k.wait,
            k.stalled,
            k.paused,
            k.meta,
            k.limiter,
            k.prioritized,
            k.marker,
            k.events,
            job_id,
            token,
            k.job(job_id),
        )

    def limit(self, ttl_ms: int) -> Command:
        """Holds the queue for ``ttl_ms`` (``setRateLimit``: Number.MAX_SAFE_INTEGER jobs are on the counter)."""
        return ("SET", self.keys.limiter, MAX_SAFE_INTEGER, "PX", max(ttl_ms, 1))

    def extend_locks(self, job_ids: Sequence[str], tokens: Sequence[str]) -> Command:
        """Renews locks. Answers the ids of the jobs whose lock is not ours any more."""
        k = self.keys
        return (*self._extend_locks, k.stalled, k.base, pack(tokens), pack(job_ids), self.lock_duration_ms)

    def extend_lock(self, job_id: str, token: str, duration_ms: int) -> Command:
        """Renews one lock for a time of its own. Answers 1, or 0 when it is not ours."""
        k = self.keys
        return (*self._extend_lock, k.lock(job_id), k.stalled, token, duration_ms, job_id)

    def update_data(self, job_id: str, data: bytes) -> Command:
        """Replaces a job's data, given as JSON text. Answers 0."""
        return (*self._update_data, self.keys.job(job_id), data)

    def update_job_scheduler(
        self, scheduler_id: str, producer: JobRecord, iteration: NextIteration, now_ms: int
    ) -> Command:
        """Writes the iteration after the job ``producer``; does nothing when that was done before."""
        k = self.keys
        return (
            *self._update_job_scheduler,
            k.repeat,
            k.delayed,
            k.wait,
            k.paused,
            k.meta,
            k.prioritized,
            k.marker,
            k.id,
            k.events,
            k.priority_counter,
            k.job(producer.id),
            k.active,
            "" if iteration.next_ms is None else iteration.next_ms,
            scheduler_id,
            # Of BullMQ 5: the data where the scheduler, made by an early version, has no template of its own.
            producer.data or b"{}",
            pack(iteration.opts),
            now_ms,
            k.base,
            producer.id,
        )

    def move_stalled_jobs(self, max_stalled_count: int, now_ms: int, interval_ms: int) -> Command:
        """Looks for active jobs without a lock, at most once an interval across all workers. Answers their ids."""
        k = self.keys
        return (
            *self._move_stalled,
            k.stalled,
            k.wait,
            k.active,
            k.stalled_check,
            k.meta,
            k.paused,
            k.marker,
            k.events,
            *self._stalled_tail,
            max_stalled_count,
            k.base,
            now_ms,
            interval_ms,
        )

    def update_progress(self, job_id: str, progress: bytes) -> Command:
        """Stores and publishes a job's progress, given as JSON text."""
        k = self.keys
        return (*self._update_progress, k.job(job_id), k.events, k.meta, job_id, progress)

    def add_log(self, job_id: str, row: str, keep_logs: int | None) -> Command:
        """Appends a line to a job's log; answers the number of lines."""
        key = self.keys.job(job_id)
        return (*self._add_log, key, f"{key}:logs", job_id, row, keep_logs or "")
