"""Adding jobs to one queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bullmq_bridge.client.errors import AnswerLost
from bullmq_bridge.protocol.exchange import run, text, transaction
from bullmq_bridge.protocol.producer_calls import ProducerCalls
from bullmq_bridge.protocol.refusals import PARENT_HAS_OTHER, PARENT_MISSING
from bullmq_bridge.queue.admission import Admission, new_job
from bullmq_bridge.queue.errors import ParentError, QueueError
from bullmq_bridge.queue.job_view import JobView, added_job
from bullmq_bridge.queue.refusal import JobRefused, Violation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bullmq_bridge.contract.contract import QueueContract
    from bullmq_bridge.protocol.bundle import Bundle
    from bullmq_bridge.protocol.exchange import Reply, Steps
    from bullmq_bridge.protocol.keys import QueueKeys
    from bullmq_bridge.protocol.new_job import NewJob
    from bullmq_bridge.queue.item import JobItem


class Publishing:
    """What adds jobs."""

    def __init__(self, keys: QueueKeys, contract: QueueContract, bundle: Bundle) -> None:
        self._keys = keys
        self._admission = Admission(contract)
        self._calls = ProducerCalls(bundle)

    def add(self, name: str, data: Any, options: Mapping[str, Any]) -> Steps[JobView]:
        """See ``Queue.add``."""
        violations: list[Violation] = []
        admitted = self._admission.examine(name, data, options, violations)
        if admitted is None:
            raise JobRefused(violations)
        job = new_job(admitted)
        try:
            reply = yield from run(self._calls.add(self._keys, job))
        except AnswerLost as lost:
            raise AnswerLost(f"adding job {name!r} to queue {self._keys.queue!r}: {lost}. {_REPEATING}") from lost
        return self._added(job, reply)

    def add_many(self, items: Iterable[JobItem]) -> Steps[list[JobView]]:
        """See ``Queue.add_many``."""
        violations: list[Violation] = []
        jobs = []
        for index, item in enumerate(items):
            admitted = self._admission.examine(item.name, item.data, item.options, violations, f"[{index}]")
            if admitted is not None:
                jobs.append(new_job(admitted))
        if violations:
            raise JobRefused(violations)
        if not jobs:
            return []
        try:
            replies = yield from transaction([self._calls.add(self._keys, job) for job in jobs])
        except AnswerLost as lost:
            raise AnswerLost(
                f"adding {len(jobs)} jobs to queue {self._keys.queue!r}: {lost}, all or none. {_REPEATING}"
            ) from lost
        refused = [index for index, reply in enumerate(replies) if isinstance(reply, int)]
        if refused:
            where = ", ".join(f"[{index}]" for index in refused)
            others = f" at {where} ({len(jobs) - len(refused)} of {len(jobs)} jobs were added)"
            self._added(jobs[refused[0]], replies[refused[0]], others)
        return [self._added(job, reply) for job, reply in zip(jobs, replies, strict=True)]

    def _added(self, job: NewJob, reply: Reply, others: str = "") -> JobView:
        refuse_code(reply, f"job {job.name!r} of queue {self._keys.queue!r} was not added{others}", job)
        return added_job(self._keys, text(reply), job)


_REPEATING = "With a job_id of its own a job can be added again without harm while the first is still there"


def refuse_code(reply: Reply, what: str, job: NewJob) -> None:
    """Turns the negative reply of a script that adds into an error.

    Raises:
        ParentError: the parent is missing, or the job already has another.
        QueueError: any other code.
    """
    if not isinstance(reply, int):
        return
    parent = job.parent.key if job.parent else "?"
    if reply == PARENT_MISSING:
        raise ParentError(f"{what}: there is no parent job {parent}")
    if reply == PARENT_HAS_OTHER:
        raise ParentError(f"{what}: it exists already and has another parent than {parent}")
    raise QueueError(f"{what}: the script answered {reply}")
