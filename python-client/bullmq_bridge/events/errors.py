"""Why waiting for a job ends without a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bullmq_bridge.queue.errors import QueueError

if TYPE_CHECKING:
    from bullmq_bridge.queue.failure import Failure


class JobFailed(QueueError):
    """The job that was waited for failed for good.

    Attributes:
        job_id: its id.
        reason: its ``failed_reason``.
        failure: the record of this library's worker, if it was that one and the job is still there.
    """

    def __init__(self, message: str, job_id: str, reason: str, failure: Failure | None) -> None:
        super().__init__(message)
        self.job_id = job_id
        self.reason = reason
        self.failure = failure


class WaitTimeout(QueueError, TimeoutError):
    """The job that was waited for did not finish in time. It goes on all the same."""
