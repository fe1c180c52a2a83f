"""Changing what is in one queue, and how it works."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from bullmq_bridge.protocol.exchange import ask, run, tell, text
from bullmq_bridge.protocol.features import GLOBAL_RATE_LIMIT
from bullmq_bridge.protocol.job import parse_job
from bullmq_bridge.protocol.queue_calls import ANY_TIME, QueueCalls
from bullmq_bridge.protocol.refusals import BELONGS_TO_SCHEDULER, HAS_ACTIVE_JOBS, NOT_PAUSED
from bullmq_bridge.protocol.replies import JOB_MISSING, NOT_ACTIVE
from bullmq_bridge.queue.errors import JobNotFound, JobStateError, QueueError
from bullmq_bridge.queue.inspection import list_name
from bullmq_bridge.queue.job_view import JobState, JobView
from bullmq_bridge.queue.options import whole_number
from bullmq_bridge.queue.priority import priority_number
from bullmq_bridge.worker.clock import now_ms

if TYPE_CHECKING:
    from bullmq_bridge.protocol.bundle import Bundle
    from bullmq_bridge.protocol.exchange import Reply, Steps
    from bullmq_bridge.protocol.keys import QueueKeys
    from bullmq_bridge.queue.priority import PriorityName

#: States that a finished job can be retried from.
FinishedState = Literal["completed", "failed"]
#: ``Number.MAX_SAFE_INTEGER``: as many jobs as no limit allows.
RATE_LIMIT_REACHED = 2**53 - 1
#: Most jobs that one call of a script cleans: a longer one would keep Redis from everybody else.
CLEAN_AT_ONCE = 10_000


def job_id_of(job: object) -> str:
    """A job's id, from the job or from itself.

    Raises:
        TypeError: it is neither.
    """
    if isinstance(job, JobView):
        return job.id
    if isinstance(job, str) and job:
        return job
    raise TypeError(f"a job is a JobView or its id, not {job!r}")


class Upkeep:
    """What changes a queue."""

    def __init__(self, keys: QueueKeys, bundle: Bundle) -> None:
        self._keys = keys
        self._bundle = bundle
        self._calls = QueueCalls(keys, bundle)

    def pause(self) -> Steps[None]:
        """See ``Queue.pause``."""
        yield from run(self._calls.pause())

    def resume(self) -> Steps[None]:
        """See ``Queue.resume``."""
        left = yield from run(self._calls.resume(emit_event=True))
        while int(left or 0) > 0:
            left = yield from run(self._calls.resume(emit_event=False))

    def retry(
        self, job: JobView | str, state: FinishedState, reset_attempts_made: bool, reset_attempts_started: bool
    ) -> Steps[None]:
        """See ``Queue.retry``."""
        job_id = job_id_of(job)
        # Read from Redis, not from the view: the script pushes to the end that the job itself asks for.
        (options,) = yield from ask(("HGET", self._keys.job(job_id), "opts"))
        lifo = bool(parse_job(job_id, [b"opts", options or b"{}"]).opts.get("lifo"))
        reply = yield from run(
            self._calls.retry(
                job_id, state, lifo=lifo, reset_made=reset_attempts_made, reset_started=reset_attempts_started
            )
        )
        self._refuse(reply, job_id, "retried", state)

    def retry_jobs(self, state: FinishedState, count: int, until_ms: int | None) -> Steps[None]:
        """See ``Queue.retry_jobs``."""
        until = now_ms() if until_ms is None else until_ms
        while (yield from run(self._calls.move_jobs_to_wait(state, count, until))):
            pass

    def promote(self, job: JobView | str) -> Steps[None]:
        """See ``Queue.promote``."""
        job_id = job_id_of(job)
        reply = yield from run(self._calls.promote(job_id))
        self._refuse(reply, job_id, "promoted", "delayed")

    def promote_jobs(self, count: int) -> Steps[None]:
        """See ``Queue.promote_jobs``."""
        while (yield from run(self._calls.move_jobs_to_wait("delayed", count, ANY_TIME))):
            pass

    def change_delay(self, job: JobView | str, delay_ms: int) -> Steps[None]:
        """See ``Queue.change_delay``."""
        job_id = job_id_of(job)
        reply = yield from run(self._calls.change_delay(job_id, delay_ms, now_ms()))
        self._refuse(reply, job_id, "delayed anew", "delayed")

    def change_priority(self, job: JobView | str, priority: PriorityName | int, lifo: bool) -> Steps[None]:
        """See ``Queue.change_priority``."""
        job_id = job_id_of(job)
        reply = yield from run(self._calls.change_priority(job_id, priority_number(priority), lifo=lifo))
        self._refuse(reply, job_id, "given another priority", "waiting")

    def remove(self, job: JobView | str, remove_children: bool) -> Steps[None]:
        """See ``Queue.remove``."""
        job_id = job_id_of(job)
        reply = yield from run(self._calls.remove(job_id, remove_children=remove_children))
        if reply == BELONGS_TO_SCHEDULER:
            raise JobStateError(
                f"job {job_id!r} of queue {self._keys.queue!r} was not removed: it is the next one of a job scheduler, "
                "which would stop without it. Remove the scheduler: remove_job_scheduler"
            )
        if reply == 0:
            raise JobStateError(
                f"job {job_id!r} of queue {self._keys.queue!r} was not removed: a worker is running it"
                + (" or one of its children" if remove_children else "")
            )
        self._refuse(reply, job_id, "removed", "")

    def drain(self, delayed: bool) -> Steps[None]:
        """See ``Queue.drain``."""
        yield from run(self._calls.drain(delayed=delayed))

    def clean(self, grace_ms: int, limit: int, state: JobState) -> Steps[list[str]]:
        """See ``Queue.clean``."""
        until = now_ms() - grace_ms
        removed: list[str] = []
        while not limit or len(removed) < limit:
            at_once = min(CLEAN_AT_ONCE, limit - len(removed)) if limit else CLEAN_AT_ONCE
            ids = yield from run(self._calls.clean(list_name(state), until, at_once))
            removed += [text(job_id) for job_id in ids]
            if len(ids) < at_once:
                break
        return removed

    def obliterate(self, force: bool, count: int) -> Steps[None]:
        """See ``Queue.obliterate``."""
        yield from self.pause()
        more: Any = 1
        while more:
            more = yield from run(self._calls.obliterate(count, force=force))
            if more == HAS_ACTIVE_JOBS:
                raise QueueError(
                    f"queue {self._keys.queue!r} was not obliterated, only paused: workers are running jobs of it. "
                    "Wait for them, or pass force=True"
                )
            if more == NOT_PAUSED:
                raise QueueError(f"queue {self._keys.queue!r} was not obliterated: somebody resumed it meanwhile")

    def set_global_concurrency(self, concurrency: int) -> Steps[None]:
        """See ``Queue.set_global_concurrency``."""
        yield from tell(("HSET", self._keys.meta, "concurrency", _at_least_one("concurrency", concurrency)))

    def remove_global_concurrency(self) -> Steps[None]:
        """See ``Queue.remove_global_concurrency``."""
        yield from tell(("HDEL", self._keys.meta, "concurrency"))

    def set_global_rate_limit(self, most: int, duration_ms: int) -> Steps[None]:
        """See ``Queue.set_global_rate_limit``."""
        GLOBAL_RATE_LIMIT.require(self._bundle)
        most, duration = _at_least_one("max", most), _at_least_one("duration_ms", duration_ms)
        yield from tell(("HSET", self._keys.meta, "max", most, "duration", duration))

    def remove_global_rate_limit(self) -> Steps[None]:
        """See ``Queue.remove_global_rate_limit``."""
        yield from tell(("HDEL", self._keys.meta, "max", "duration"))

    def rate_limit(self, duration_ms: int) -> Steps[None]:
        """See ``Queue.rate_limit``."""
        expiry = _at_least_one("duration_ms", duration_ms)
        yield from tell(("SET", self._keys.limiter, RATE_LIMIT_REACHED, "PX", expiry))

    def remove_rate_limit(self) -> Steps[None]:
        """See ``Queue.remove_rate_limit``."""
        yield from tell(("DEL", self._keys.limiter))

    def remove_deduplication_key(self, deduplication_id: str) -> Steps[bool]:
        """See ``Queue.remove_deduplication_key``."""
        (removed,) = yield from tell(("DEL", self._keys.key(f"de:{deduplication_id}")))
        return bool(removed)

    def _refuse(self, reply: Reply, job_id: str, done: str, state: str) -> None:
        if not isinstance(reply, int) or reply >= 0:
            return
        what = f"job {job_id!r} of queue {self._keys.queue!r} was not {done}"
        if reply == JOB_MISSING:
            raise JobNotFound(f"{what}: there is no such job")
        if reply == NOT_ACTIVE:  # the code says only that it is in another state than the script wants
            raise JobStateError(f"{what}: it is not {state}")
        raise QueueError(f"{what}: the script answered {reply}")


def _at_least_one(name: str, value: int) -> int:
    try:
        return whole_number(1)(value)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None
