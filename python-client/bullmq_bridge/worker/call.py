"""The kinds of commands that a worker sends, told apart by what becomes of them when the connection is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bullmq_bridge.worker.connection import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from bullmq_bridge.protocol.command import Command
    from bullmq_bridge.worker.active_job import ActiveJob


class FetchCall(Call):
    """moveToActive. Lost: whether it took a job shows in ``active``."""

    __slots__ = ("token",)

    def __init__(self, command: Command, on_reply: Callable[[Any], None], token: str) -> None:
        super().__init__(command, on_reply)
        self.token = token


class JobCall(Call):
    """A command that ends our hold on a job. Lost: the job's lock tells whether it was applied."""

    __slots__ = ("job",)

    def __init__(self, command: Command | bytes, on_reply: Callable[[Any], None], job: ActiveJob) -> None:
        super().__init__(command, on_reply)
        self.job = job

    @property
    def token(self) -> str:
        """Under which it would lock the next job."""
        return self.job.token


class NoteCall(Call):
    """Progress or a log line. Lost: sent again, unless a later command of the same connection was applied."""

    __slots__ = ()


class RepeatableCall(Call):
    """A command that does no harm when it is run twice. Lost: sent again."""

    __slots__ = ()

    def __init__(self, command: Command, on_reply: Callable[[Any], None] | None = None) -> None:
        super().__init__(command, on_reply or _ignore)


class PassingCall(Call):
    """A command whose moment passes: of a timer, which comes again by itself. Lost: forgotten."""

    __slots__ = ()

    def __init__(self, command: Command, on_reply: Callable[[Any], None] | None = None) -> None:
        super().__init__(command, on_reply or _ignore)


def _ignore(reply: Any) -> None:
    """For commands whose answer changes nothing."""
