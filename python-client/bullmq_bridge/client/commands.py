"""Commands as they go to a connection of redis-py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bullmq_bridge.protocol.command import Command


def encoded(commands: Sequence[Command]) -> list[tuple[Any, ...]]:
    """Text as UTF-8. Not left to the client: its encoding may be another."""
    return [tuple(part.encode() if isinstance(part, str) else part for part in command) for command in commands]
