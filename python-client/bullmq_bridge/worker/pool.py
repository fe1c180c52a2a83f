"""What the engine knows of the places where jobs run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from bullmq_bridge.outcome import Outcome
    from bullmq_bridge.protocol.job import JobRecord


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

    def run(self, slot: int, record: JobRecord, done: Callable[[Outcome], None]) -> None:
        """Runs a job and calls ``done`` once with how it ended, unless the slot is interrupted before."""

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
