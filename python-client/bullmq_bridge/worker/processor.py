"""What runs a kind of job: the user's function."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Hook = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Processor:
    """The function of one job name. A coroutine function runs on the event loop, a plain one in a process slot."""

    job_name: str
    function: Callable[..., Any]

    @property
    def is_async(self) -> bool:
        """Whether the function runs on the engine's event loop."""
        return inspect.iscoroutinefunction(self.function)
