"""Where a coroutine is, down to what it awaits."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from types import FrameType

# What coroutines, generators and asynchronous generators call their frame and what they wait for.
_ATTRIBUTES = (("cr_frame", "cr_await"), ("gi_frame", "gi_yieldfrom"), ("ag_frame", "ag_await"))


def stack_of(name: str, coroutine: Coroutine[Any, Any, Any]) -> str:
    """The stack of a task's coroutine as Python prints it. (``Task.print_stack`` stops at the outermost coroutine.)"""
    frames = _frames(coroutine)
    summary = traceback.StackSummary.extract((frame, frame.f_lineno) for frame in frames)
    return f"Task {name} (most recent call last):\n{''.join(summary.format())}"


def _frames(awaited: Any) -> list[FrameType]:
    frames = []
    while awaited is not None:
        for frame, waits_for in _ATTRIBUTES:
            if getattr(awaited, frame, None) is not None:
                frames.append(getattr(awaited, frame))
                awaited = getattr(awaited, waits_for)
                break
        else:
            break  # a future
    return frames
