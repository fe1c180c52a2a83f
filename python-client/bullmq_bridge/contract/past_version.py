"""Earlier versions of a job's contract: jobs that were written with them may come for weeks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from bullmq_bridge.contract.contract import Gate


class UpcastFailed(Exception):
    """An upcaster raised ``error``, on data with these ``secrets``."""

    def __init__(self, error: Exception, secrets: frozenset[str]) -> None:
        super().__init__(str(error))
        self.error = error
        self.secrets = secrets


class PastVersion:
    """A version of a job that is not the current one.

    Attributes:
        gate: of the data, as it was.
        upcaster: turns such data into the current form, if somebody has declared one.
    """

    def __init__(self, fingerprint: str, gate: Gate) -> None:
        self.fingerprint = fingerprint
        self.gate = gate
        self.upcaster: Callable[[Any], Any] | None = None

    def is_called(self, name: str) -> bool:
        """Whether its fingerprint begins with these hex digits."""
        return bool(name) and self.fingerprint.startswith(name)
