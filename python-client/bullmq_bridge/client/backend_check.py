"""Whether the backend runs the BullMQ that the scripts are of, asked before anything else is."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

from redis.exceptions import ResponseError

from bullmq_bridge.protocol.exchange import ask, optional_text
from bullmq_bridge.protocol.mismatch import VERSION_FIELD, VersionMismatch, is_allowed, judge

if TYPE_CHECKING:
    from bullmq_bridge.protocol.exchange import Steps
    from bullmq_bridge.protocol.keys import QueueKeys

T = TypeVar("T")

logger = logging.getLogger("bullmq_bridge.queue")


class BackendCheck:
    """Goes before the operations of one queue until it has passed: one read more, once.

    Args:
        keys: the queue's keys.
        bullmq: the version of the scripts.
        allowed: see ``Queue``.
    """

    def __init__(self, keys: QueueKeys, bullmq: str, allowed: bool | None) -> None:
        self._keys = keys
        self._bullmq = bullmq
        self._allowed = is_allowed(allowed)
        self.has_passed = False

    def before(self, steps: Steps[T]) -> Steps[T]:
        """The operation, after the check.

        Raises:
            VersionMismatch: the scripts must not be run on this queue. Nothing of the operation was sent.
        """
        try:
            written = optional_text((yield from ask(("HGET", self._keys.meta, VERSION_FIELD)))[0])
        except ResponseError as error:
            logger.warning("queue %s: the backend's version cannot be read: %s", self._keys.queue, error)
        else:
            verdict = judge(self._bullmq, written, allowed=self._allowed)
            if verdict.consequence == "refusal":
                raise VersionMismatch(f"queue {self._keys.queue!r}: {verdict.message}")
            if verdict.consequence == "warning":
                logger.warning("queue %s: %s", self._keys.queue, verdict.message)
        self.has_passed = True
        return (yield from steps)
