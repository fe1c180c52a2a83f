"""What a running job can ask of the engine, and how Redis answers it."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from hiredis import ReplyError

if TYPE_CHECKING:
    from bullmq_bridge.protocol.calls import ScriptCalls
    from bullmq_bridge.worker.active_job import ActiveJob
    from bullmq_bridge.worker.link import Line


class Question(str, Enum):
    """The questions, and the values that go with them."""

    CHILDREN_VALUES = "children_values"
    IGNORED_FAILURES = "ignored_failures"
    FAILED_CHILDREN = "failed_children"
    PENDING_CHILDREN = "pending_children"
    DEPENDENCY_COUNTS = "dependency_counts"
    #: duration in ms
    EXTEND_LOCK = "extend_lock"
    #: the data as JSON text
    UPDATE_DATA = "update_data"
    MOVE_TO_WAITING_CHILDREN = "move_to_waiting_children"


class JobNotHeld(RuntimeError):
    """The job is not this worker's any more: it was stopped, lost its lock, or has ended."""


async def answer(question: Question, values: tuple[Any, ...], job: ActiveJob, calls: ScriptCalls, line: Line) -> Any:
    """Asks Redis about a job.

    Raises:
        JobNotHeld: Redis refused.
    """
    job_id = job.record.id
    key = calls.keys.job(job_id)
    if question is Question.CHILDREN_VALUES:
        return await line.ask("HGETALL", f"{key}:processed")
    if question is Question.IGNORED_FAILURES:
        return await line.ask("HGETALL", f"{key}:failed")
    if question is Question.FAILED_CHILDREN:
        return await line.ask("ZRANGE", f"{key}:unsuccessful", 0, -1)
    if question is Question.PENDING_CHILDREN:
        return await line.ask("SMEMBERS", f"{key}:dependencies")
    if question is Question.DEPENDENCY_COUNTS:
        return [
            await line.ask("HLEN", f"{key}:processed"),
            await line.ask("SCARD", f"{key}:dependencies"),
            await line.ask("HLEN", f"{key}:failed"),
            await line.ask("ZCARD", f"{key}:unsuccessful"),
        ]
    if question is Question.EXTEND_LOCK:
        return _accepted(job_id, await line.ask(*calls.extend_lock(job_id, job.token, *values)) == 1)
    assert question is Question.UPDATE_DATA
    return _accepted(job_id, await line.ask(*calls.update_data(job_id, *values)) == 0)


def _accepted(job_id: str, accepted: bool) -> bool:
    if not accepted:
        raise JobNotHeld(f"Redis refused: job {job_id} is not held by this worker any more")
    return True


def refusal(reply: Any) -> str | None:
    """Why a script refused, if it did."""
    if isinstance(reply, ReplyError):
        return str(reply)
    return f"code {reply}" if isinstance(reply, int) and reply < 0 else None
