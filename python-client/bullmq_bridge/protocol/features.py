"""What BullMQ learnt after 5.58.0, so that the scripts of an earlier version cannot do it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bullmq_bridge.protocol.bundle import Bundle

#: The oldest BullMQ whose scripts are known.
OLDEST = (5, 58, 0)


class UnsupportedByBackend(RuntimeError):
    """The scripts of the backend's BullMQ cannot do what was asked for. Nothing was sent.

    Attributes:
        feature: what was asked for.
        needs: the version of BullMQ that brought it.
        has: the version whose scripts are used.
    """

    def __init__(self, feature: str, needs: str, has: str) -> None:
        super().__init__(feature, needs, has)
        self.feature = feature
        self.needs = needs
        self.has = has

    def __str__(self) -> str:
        return (
            f"{self.feature} needs BullMQ {self.needs}, these are the scripts of {self.has}: do without it, or upgrade "
            "the backend's BullMQ and emit the bundle again"
        )


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that works from a version of BullMQ on."""

    name: str
    since: tuple[int, int, int]

    def is_in(self, bundle: Bundle) -> bool:
        """Whether these scripts can do it."""
        return bundle.version >= self.since

    def require(self, bundle: Bundle) -> None:
        """Refuses to go on without it.

        Raises:
            UnsupportedByBackend: these scripts cannot do it.
        """
        if not self.is_in(bundle):
            raise UnsupportedByBackend(self.name, ".".join(map(str, self.since)), bundle.bullmq)


# Each version is the first published one whose script has it.
#: Until then the client computes what is left out of a scheduler, as its interval and the id of its job
#: (``JobScheduler.upsertJobScheduler``, bullmq 5.58.0). A worker does so; adding schedulers is not offered.
SCHEDULING_IN_SCRIPT = Feature("adding a job scheduler", (5, 58, 8))
GLOBAL_RATE_LIMIT = Feature("a global rate limit", (5, 60, 0))
RESET_ATTEMPTS = Feature("retrying a job with its attempts reset", (5, 66, 0))
KEEP_LAST_IF_ACTIVE = Feature("deduplication with keep_last_if_active", (5, 72, 0))
