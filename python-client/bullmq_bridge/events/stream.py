"""The event stream of one queue, whatever it is read over."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bullmq_bridge.client.errors import AnswerLost
from bullmq_bridge.client.settings import retry_delay_s
from bullmq_bridge.events.event import QueueEvent, parse_event
from bullmq_bridge.protocol.exchange import Exchange, Pause, ask, text

if TYPE_CHECKING:
    from bullmq_bridge.protocol.command import Command
    from bullmq_bridge.protocol.exchange import Steps
    from bullmq_bridge.protocol.keys import QueueKeys

logger = logging.getLogger("bullmq_bridge.events")

#: The id before that of any event.
BEFORE_ALL = "0-0"
#: How long Redis is asked to wait for an event before it answers that there was none.
BLOCK_S = 5.0
#: An answer that is so late will not come: the connection is dead, though nobody closed it.
ANSWER_MARGIN_S = 5.0
BATCH = 1000


class EventStream:
    """Reads a queue's events."""

    def __init__(self, keys: QueueKeys) -> None:
        self._keys = keys
        self._failures = 0

    def last_id(self) -> Steps[str]:
        """The id of the newest event: where to read on from to miss nothing that happens after this."""
        (entries,) = yield from ask(("XREVRANGE", self._keys.events, "+", "-", "COUNT", 1))
        return text(entries[0][0]) if entries else BEFORE_ALL

    def read(self, after: str, wait_s: float) -> Steps[list[QueueEvent]]:
        """The events after one, as soon as there are any; none when none has come in ``wait_s`` (at most 5 s).

        None too when the connection was lost: it is opened again at the next reading, which goes on after the same
        event.
        """
        block_ms = max(1, int(min(wait_s, BLOCK_S) * 1000))
        command: Command = ("XREAD", "BLOCK", block_ms, "COUNT", BATCH, "STREAMS", self._keys.events, after)
        # Not repeated by the client: what happens to the connection is this method's business.
        exchange = Exchange([command], repeatable=False, timeout_s=block_ms / 1000 + ANSWER_MARGIN_S)
        try:
            (reply,) = yield exchange
            if self._failures:
                yield from self._warn_of_gap(after)
        except (AnswerLost, RedisConnectionError, RedisTimeoutError) as error:
            self._failures += 1
            logger.warning("the events of queue %s cannot be read (%s): trying again", self._keys.queue, error)
            yield Pause(min(retry_delay_s(self._failures), wait_s))
            return []
        if isinstance(reply, Exception):
            raise reply
        self._failures = 0
        return [parse_event(entry) for entry in _entries(reply)]

    def find_backwards(self, job_id: str) -> Steps[QueueEvent | None]:
        """How a job finished that is not there any more, from what the stream still tells of it."""
        newest = "+"
        while True:
            (entries,) = yield from ask(("XREVRANGE", self._keys.events, newest, "-", "COUNT", BATCH))
            for entry in entries:
                fields = entry[1] or []
                kind, job = _field(fields, b"event"), _field(fields, b"jobId")
                if job == job_id.encode() and kind in {b"completed", b"failed"}:
                    return parse_event(entry)
                if job == job_id.encode() and kind == b"added":
                    return None
            if len(entries) < BATCH:
                return None
            newest = f"({text(entries[-1][0])}"

    def _warn_of_gap(self, after: str) -> Steps[None]:
        """Says so when events were trimmed away while there was no connection."""
        (entries,) = yield from ask(("XRANGE", self._keys.events, "-", "+", "COUNT", 1))
        if entries and after != BEFORE_ALL and _order(text(entries[0][0])) > _order(after):
            logger.warning(
                "events of queue %s may be lost: they were trimmed while there was no connection; the queue keeps "
                "about opts.maxLenEvents of them",
                self._keys.queue,
            )


def _entries(reply: Any) -> list[Any]:
    """The entries of the one stream that was read; none when the time was over."""
    if not reply:
        return []
    if isinstance(reply, dict):  # RESP3
        (entries,) = reply.values()
        return list(entries)
    return list(reply[0][1])


def _field(fields: Any, name: bytes) -> bytes | None:
    flat = list(fields)
    return next((flat[i + 1] for i in range(0, len(flat) - 1, 2) if flat[i] == name), None)


def _order(event_id: str) -> tuple[int, int]:
    milliseconds, _, number = event_id.partition("-")
    return int(milliseconds), int(number or 0)
