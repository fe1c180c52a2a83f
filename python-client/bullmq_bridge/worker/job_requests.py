"""What running jobs ask for: progress, log lines, and the answers to their questions."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from bullmq_bridge.protocol import replies
from bullmq_bridge.worker.call import JobCall, NoteCall
from bullmq_bridge.worker.clock import now_ms
from bullmq_bridge.worker.connection import ReplyError
from bullmq_bridge.worker.question import JobNotHeld, Question, answer, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bullmq_bridge.protocol.calls import ScriptCalls
    from bullmq_bridge.protocol.command import Command
    from bullmq_bridge.worker.active_job import ActiveJob
    from bullmq_bridge.worker.events import Events
    from bullmq_bridge.worker.link import Line


class JobRequests:
    """The engine's port for the jobs that it runs (see ``ChildJobPort``).

    Args:
        active: the jobs that are held, by id.
        on_move: called before a job is moved while it runs.
        on_move_answered: called with a job of which it is known now whether it has moved while it runs.
    """

    def __init__(
        self,
        calls: ScriptCalls,
        line: Line,
        events: Events,
        active: Mapping[str, ActiveJob],
        on_move: Callable[[], None],
        on_move_answered: Callable[[ActiveJob], None],
    ) -> None:
        self._calls = calls
        self._line = line
        self._events = events
        self._active = active
        self._on_move = on_move
        self._on_move_answered = on_move_answered
        self._queue = calls.keys.queue
        self._loop = asyncio.get_running_loop()

    @property
    def is_congested(self) -> bool:
        """See ``ChildJobPort``."""
        return self._line.is_congested

    def progress(self, job_id: str, progress: bytes) -> None:
        """See ``JobPort``."""
        self._note(job_id, self._calls.update_progress(job_id, progress))
        if job := self._active.get(job_id):
            self._events.emit("progress", job.record, progress=progress)

    def log(self, job_id: str, row: str) -> None:
        """See ``JobPort``."""
        job = self._active.get(job_id)
        keep = job.record.opts.get("kl") if job else None
        self._note(job_id, self._calls.add_log(job_id, row, keep))

    def _note(self, job_id: str, command: Command) -> None:
        def answered(reply: Any) -> None:
            if isinstance(reply, ReplyError) or (isinstance(reply, int) and reply < 0):
                self._events.emit("error", what=f"progress or log of job {job_id} was refused: {reply}")

        self._line.send(NoteCall(command, answered))

    async def ask(self, job_id: str, question: str, *values: Any) -> Any:
        """See ``AsyncJobPort``."""
        job = self._active.get(job_id)
        if job is None or job.settling:
            raise JobNotHeld(f"job {job_id} of queue {self._queue!r} is not held by this worker any more")
        asked = Question(question)
        if asked is Question.MOVE_TO_WAITING_CHILDREN:
            return await self._move_to_waiting_children(job)
        return await answer(asked, values, job, self._calls, self._line)

    async def _move_to_waiting_children(self, job: ActiveJob) -> int:
        """Moves a job that runs, if it has children to wait for: 0, or the code that says why it stays."""
        replied: asyncio.Future[Any] = self._loop.create_future()
        job.settling = job.moving = True
        # When the job comes back it must not begin in another slot while it still runs in its own.
        self._on_move()

        def answered(reply: Any) -> None:
            # Here and not below: whoever waits for it may have been cancelled.
            stays = reply in (replies.NO_CHILD_PENDING, replies.FAILED_CHILDREN) or refusal(reply) is not None
            job.moving = False
            job.settling = job.moved = not stays
            if not replied.done():
                replied.set_result(reply)
            self._on_move_answered(job)

        command = self._calls.move_to_waiting_children(job.record.id, job.token, now_ms())
        self._line.send(JobCall(command, answered, job))
        reply = await replied
        if reply in (replies.NO_CHILD_PENDING, replies.FAILED_CHILDREN):
            return int(reply)
        if problem := refusal(reply):
            raise JobNotHeld(f"job {job.record.id} could not wait for its children: {problem}")
        return 0
