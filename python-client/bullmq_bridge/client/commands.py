"""Commands as they go to a connection of redis-py."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bullmq_bridge.protocol.calls import Command


def encoded(commands: Sequence[Command]) -> list[tuple[Any, ...]]:
    """Text as UTF-8. Not left to the client: its encoding may be another."""
    return [tuple(part.encode() if isinstance(part, str) else part for part in command) for command in commands]


def connection_arguments(pool: Any) -> tuple[str, ...]:
    """What ``pool.get_connection`` has to be given: redis-py before 5.3 demands the name of a command."""
    parameter = inspect.signature(pool.get_connection).parameters.get("command_name")
    return ("_",) if parameter is not None and parameter.default is inspect.Parameter.empty else ()
