"""What stands in for BullMQ's scripts: keeps what they would have been told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bullmq_bridge.protocol.job import JobRecord
    from bullmq_bridge.protocol.options import WorkerOptions


class ToldScripts:
    """The part of ``ScriptCalls`` that ends a run.

    Attributes:
        delay_ms: of a job that is delayed, or of a queue that is held.
        charged: whether the run counts as an attempt.
    """

    def __init__(self, options: WorkerOptions) -> None:
        self.options = options
        self.delay_ms: int | None = None
        self.charged = False

    def move_to_completed(self, *_: Any) -> tuple[str]:
        """See ``ScriptCalls``."""
        self.charged = True
        return ("moveToFinished",)

    def move_to_failed(self, *_: Any) -> tuple[str]:
        """See ``ScriptCalls``."""
        self.charged = True
        return ("moveToFinished",)

    def retry_job(self, *_: Any) -> tuple[str]:
        """See ``ScriptCalls``."""
        self.charged = True
        return ("retryJob",)

    def move_to_delayed(
        self,
        job: JobRecord,
        token: str,
        delay_ms: int,
        fields: Sequence[str],
        fetch_next: bool,
        now_ms: int,
        skip_attempt: bool = False,
    ) -> tuple[str]:
        """See ``ScriptCalls``."""
        self.delay_ms = delay_ms
        self.charged = not skip_attempt
        return ("moveToDelayed",)

    def move_to_waiting_children(self, *_: Any) -> tuple[str]:
        """See ``ScriptCalls``."""
        return ("moveToWaitingChildren",)

    def move_to_wait(self, *_: Any) -> tuple[str]:
        """See ``ScriptCalls``."""
        return ("moveJobFromActiveToWait",)

    def limit(self, ttl_ms: int) -> tuple[str]:
        """See ``ScriptCalls``."""
        self.delay_ms = ttl_ms
        return ("SET",)
