"""What versions of redis-py do differently."""

from __future__ import annotations

import inspect
from typing import Any


def connection_arguments(pool: Any) -> tuple[str, ...]:
    """What ``pool.get_connection`` has to be given: before 5.3 it demands the name of a command."""
    parameter = inspect.signature(pool.get_connection).parameters.get("command_name")
    return ("_",) if parameter is not None and parameter.default is inspect.Parameter.empty else ()


def idle_connections_only(pool: Any) -> dict[str, bool]:
    """What makes ``pool.disconnect`` leave connections alone that are in use, where it can."""
    return {"inuse_connections": False} if "inuse_connections" in inspect.signature(pool.disconnect).parameters else {}
