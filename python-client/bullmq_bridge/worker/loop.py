"""The event loop of a worker's program."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


def run_on_loop(main: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine to its end: on uvloop where that is installed, for it costs less a read; else on asyncio's."""
    try:
        # (it has this since 0.18; an older one, which somebody else wants, is left alone)
        from uvloop import run
    except ImportError:
        return asyncio.run(main)
    return run(main)
