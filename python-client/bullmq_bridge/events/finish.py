"""How a job that is waited for has finished."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bullmq_bridge.client.settings import retry_delay_s
from bullmq_bridge.events.errors import JobFailed, WaitTimeout
from bullmq_bridge.events.event import Completed, Failed, QueueEvent, Removed
from bullmq_bridge.events.stream import BLOCK_S
from bullmq_bridge.outcome import FAILURE_FIELD
from bullmq_bridge.protocol.exchange import Pause, ask, optional_text, run
from bullmq_bridge.protocol.queue_calls import QueueCalls
from bullmq_bridge.queue.errors import JobNotFound
from bullmq_bridge.queue.failure import parse_failure
from bullmq_bridge.queue.job_view import JobView
from bullmq_bridge.queue.upkeep import job_id_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from bullmq_bridge.contract.contract import QueueContract
    from bullmq_bridge.events.stream import EventStream
    from bullmq_bridge.protocol.bundle import Bundle
    from bullmq_bridge.protocol.exchange import Steps
    from bullmq_bridge.protocol.keys import QueueKeys

T = TypeVar("T")

STILL_THERE = 0
COMPLETED = 1
FAILED = 2


@dataclass(frozen=True, slots=True)
class Finish:
    """A job completed, with its result as JSON text; or it failed, with the reason."""

    completed: bool
    text: str


@dataclass(frozen=True, slots=True)
class Awaited:
    """A job that is waited for. ``name``: None when it is given by an id that is gone."""

    id: str
    name: str | None


class Deadline:
    """Until when to wait. ``timeout_s``: None for ever."""

    def __init__(self, timeout_s: float | None) -> None:
        self.timeout_s = timeout_s
        self._at = None if timeout_s is None else time.monotonic() + timeout_s

    def left_s(self, most: float) -> float:
        """How long is left, at most so long; 0 when the time is over."""
        return most if self._at is None else max(min(self._at - time.monotonic(), most), 0.0)


class Finishing:
    """Finds out how jobs of a queue finish."""

    def __init__(self, keys: QueueKeys, contract: QueueContract, bundle: Bundle, stream: EventStream) -> None:
        self._keys = keys
        self._contract = contract
        self._calls = QueueCalls(keys, bundle)
        self._stream = stream

    def wait(self, job: JobView | str, timeout_s: float | None) -> Steps[Any]:
        """The result of a job as soon as it has completed; see ``QueueEvents.wait_until_finished``."""
        deadline = Deadline(timeout_s)
        job_id = job_id_of(job)
        awaited = yield from self.stubbornly(lambda: self.awaited(job), job_id, deadline)
        # Before the check: whatever happens after it is read from here on.
        after = yield from self.stubbornly(self._stream.last_id, job_id, deadline)
        finish = yield from self.stubbornly(lambda: self.check(awaited), job_id, deadline)
        while finish is None:
            left_s = deadline.left_s(BLOCK_S)
            if not left_s:
                raise self.too_late(job_id, deadline)
            events = yield from self._stream.read(after, left_s)
            for event in events:
                after = event.id
                finish = finish or self.of_event(event, awaited)
            if not events:
                # Events can be trimmed before they are read.
                finish = yield from self.stubbornly(lambda: self.check(awaited), job_id, deadline)
        final = finish
        return (yield from self.stubbornly(lambda: self.result(final, awaited), job_id, deadline))

    def stubbornly(self, make: Callable[[], Steps[T]], job_id: str, deadline: Deadline) -> Steps[T]:
        """The result of reading, however often the connection is lost, until the deadline."""
        attempt = 0
        while True:
            try:
                return (yield from make())
            except (RedisConnectionError, RedisTimeoutError) as error:
                attempt += 1
                pause_s = deadline.left_s(retry_delay_s(attempt))
                if not pause_s:
                    raise self.too_late(job_id, deadline) from error
                yield Pause(pause_s)

    def awaited(self, job: JobView | str) -> Steps[Awaited]:
        """The job with its name, by which the contract knows what its result must be."""
        if isinstance(job, JobView):
            return Awaited(job.id, job.name)
        job_id = job_id_of(job)
        (name,) = yield from ask(("HGET", self._keys.job(job_id), "name"))
        return Awaited(job_id, optional_text(name))

    def check(self, job: Awaited) -> Steps[Finish | None]:
        """How a job has finished; None when it has not.

        Raises:
            JobNotFound: there is no such job, and its event stream does not tell how it finished.
        """
        status, *rest = yield from run(self._calls.is_finished(job.id), reads=True)
        if status == STILL_THERE:
            return None
        if status in {COMPLETED, FAILED}:
            return Finish(status == COMPLETED, optional_text(rest[0]) or "")
        # Removed, as the options of a finished job may want it.
        event = yield from self._stream.find_backwards(job.id)
        finish = None if event is None else self.of_event(event, job)
        if finish is None:
            raise JobNotFound(f"there is no job {job.id!r} in queue {self._keys.queue!r}, nor any news of its end")
        return finish

    def of_event(self, event: QueueEvent, job: Awaited) -> Finish | None:
        """How a job has finished, if this event tells it.

        Raises:
            JobNotFound: it tells that the job was removed.
        """
        if isinstance(event, Completed) and event.job_id == job.id:
            return Finish(True, event.returnvalue_json)
        if isinstance(event, Failed) and event.job_id == job.id:
            return Finish(False, event.reason)
        if isinstance(event, Removed) and event.job_id == job.id:
            raise JobNotFound(f"job {job.id!r} of queue {self._keys.queue!r} was removed before it finished")
        return None

    def result(self, finish: Finish, job: Awaited) -> Steps[Any]:
        """The job's result, checked against the contract.

        Raises:
            ContractViolation: the result breaks the contract.
            JobFailed: it failed for good.
        """
        if finish.completed:
            # Without a name (it was removed before it was asked for) there is no contract to check by.
            contract = self._contract if job.name is not None else self._contract.open(self._keys.queue)
            return contract.job(job.name or "").result.decode(finish.text.encode())
        (values,) = yield from ask(("HMGET", self._keys.job(job.id), FAILURE_FIELD, "failedReason", "atm"))
        names = (FAILURE_FIELD.encode(), b"failedReason", b"atm")
        fields = {name: value for name, value in zip(names, values, strict=True) if value is not None}
        message = f"job {job.id!r} of queue {self._keys.queue!r} failed: {finish.text}"
        raise JobFailed(message, job.id, finish.text, parse_failure(fields))

    def too_late(self, job_id: str, deadline: Deadline) -> WaitTimeout:
        """The error of a job that has not finished in time."""
        return WaitTimeout(f"job {job_id!r} of queue {self._keys.queue!r} did not finish within {deadline.timeout_s} s")
