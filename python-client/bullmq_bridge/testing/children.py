"""The children of a job under test."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Children:
    """What a job is told of its children; each is named by its key (``prefix:queue:id``).

    Args:
        completed: with their results.
        ignored: failed, and ignored by their option, with the reasons.
        failed: failed, and fail the parent.
        pending: not finished.
    """

    completed: Mapping[str, Any] = field(default_factory=dict)
    ignored: Mapping[str, str] = field(default_factory=dict)
    failed: Sequence[str] = ()
    pending: Sequence[str] = ()
