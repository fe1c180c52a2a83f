"""A Redis made of prepared replies, for operations that need no server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from bullmq_bridge.protocol.exchange import Exchange, Steps

T = TypeVar("T")


def play(steps: Steps[T], *replies: list[Any]) -> tuple[T, list[Exchange]]:
    """The result of an operation whose exchanges are answered in turn, and the exchanges."""
    seen: list[Exchange] = []
    answers = iter(replies)
    try:
        seen.append(next(steps))
        while True:
            seen.append(steps.send(next(answers)))
    except StopIteration as end:
        return end.value, seen
