"""What runs a kind of job: the user's function."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Hook = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Processor:
    """The function of one job name, and how it is run.

    Args:
        pool: ``async`` for a coroutine function; ``process`` or ``thread`` for a plain one; None leaves the choice
            between the two to the worker.
        time_limit_s, soft_time_limit_s: instead of the worker's.
    """

    job_name: str
    function: Callable[..., Any]
    pool: str | None = None
    time_limit_s: float | None = None
    soft_time_limit_s: float | None = None

    @property
    def is_async(self) -> bool:
        """Whether the function runs on the engine's event loop."""
        return inspect.iscoroutinefunction(self.function)
