"""What stands in for the engine, as a job reaches it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bullmq_bridge.protocol.replies import FAILED_CHILDREN, NO_CHILD_PENDING
from bullmq_bridge.worker.question import Question

if TYPE_CHECKING:
    from bullmq_bridge.testing.children import Children


class RecordingPort:
    """Keeps what a job reports, and answers what it asks (``SyncJobPort``)."""

    def __init__(self, children: Children, data: bytes) -> None:
        self.data = data
        self.progressed: list[Any] = []
        self.logged: list[str] = []
        self._children = children

    def progress(self, job_id: str, progress: bytes) -> None:
        """See ``JobPort``."""
        self.progressed.append(json.loads(progress))

    def log(self, job_id: str, row: str) -> None:
        """See ``JobPort``."""
        self.logged.append(row)

    def ask(self, job_id: str, question: str, *values: Any) -> Any:
        """See ``SyncJobPort``."""
        children = self._children
        if question == Question.CHILDREN_VALUES:
            return _flat({key: json.dumps(value) for key, value in children.completed.items()})
        if question == Question.IGNORED_FAILURES:
            return _flat(children.ignored)
        if question == Question.FAILED_CHILDREN:
            return [key.encode() for key in children.failed]
        if question == Question.PENDING_CHILDREN:
            return [key.encode() for key in children.pending]
        if question == Question.DEPENDENCY_COUNTS:
            return [*map(len, (children.completed, children.pending, children.ignored, children.failed))]
        if question == Question.MOVE_TO_WAITING_CHILDREN:
            return FAILED_CHILDREN if children.failed else 0 if children.pending else NO_CHILD_PENDING
        if question == Question.UPDATE_DATA:
            (self.data,) = values
        return True


class AsyncRecordingPort:
    """The same, for a coroutine function (``AsyncJobPort``)."""

    def __init__(self, port: RecordingPort) -> None:
        self._port = port
        self.progress = port.progress
        self.log = port.log

    async def ask(self, job_id: str, question: str, *values: Any) -> Any:
        """See ``AsyncJobPort``."""
        return self._port.ask(job_id, question, *values)


def _flat(pairs: Any) -> list[bytes]:
    """As Redis answers HGETALL."""
    return [part.encode() for pair in pairs.items() for part in pair]
