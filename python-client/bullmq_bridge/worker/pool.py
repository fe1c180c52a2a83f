"""What the engine knows of the places where jobs run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from bullmq_bridge.outcome import Outcome
    from bullmq_bridge.protocol.job import JobRecord
    from bullmq_bridge.worker.own_ending import Ended, Unanswered
    from bullmq_bridge.worker.recovery import Identity


class StartFailed(RuntimeError):
    """A slot could not be made ready: the module, or its ``setup``, raised."""


class Pool(Protocol):
    """Runs jobs in numbered slots, one job a slot."""

    @property
    def can_interrupt(self) -> bool:
        """Whether a job that runs can be stopped."""

    async def start(self) -> None:
        """Makes every slot ready.

        Raises:
            StartFailed: one of them cannot be.
        """

    def is_ready(self, slot: int) -> bool:
        """Whether the slot could take a job now."""

    def run(self, slot: int, record: JobRecord, done: Callable[[Outcome | Ended | Unanswered], None]) -> None:
        """Runs a job and calls ``done`` once with how it ended, unless the slot is interrupted before.

        A slot that ended its last job by itself may have begun this one already: then it is only listened to.
        """

    def has_begun(self, slot: int, record: JobRecord) -> bool:
        """Whether the slot runs the job already."""

    def line(self, slot: int) -> Identity | None:
        """The line to Redis over which the slot ends the job that it runs, if it does that by itself."""

    def recall(self) -> None:
        """Lets no slot end or begin jobs by itself, until each is given its next one."""

    def catch_up(self) -> None:
        """Hears all that slots have told of jobs that they ended by themselves."""

    async def interrupt(self, slot: int) -> None:
        """Stops what the slot runs, and returns when it runs no more. ``done`` is not called."""

    def raise_time_limit(self, slot: int) -> None:
        """Raises ``TimeLimitExceeded`` in the job that the slot runs (in a coroutine: cancels it)."""

    async def resize(self, size: int) -> None:
        """Changes the number of slots. One that is given up goes when its job has ended."""

    def dump_stacks(self) -> None:
        """Writes what every slot does to standard error."""

    def retire(self) -> None:
        """The worker stops: a slot that is lost from now on is not made ready again."""

    async def stop(self) -> None:
        """Runs the teardown and gives everything back. Nothing that the pool can stop may run any more."""


class WithoutLines:
    """The part of ``Pool`` that is about slots that end jobs by themselves, where none does."""

    def has_begun(self, slot: int, record: JobRecord) -> bool:
        """See ``Pool``."""
        return False

    def line(self, slot: int) -> Identity | None:
        """See ``Pool``."""
        return None

    def recall(self) -> None:
        """See ``Pool``."""

    def catch_up(self) -> None:
        """See ``Pool``."""
