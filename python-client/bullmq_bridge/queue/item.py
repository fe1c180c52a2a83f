"""A job as a caller hands it over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Unpack

    from bullmq_bridge.queue.options import JobOptions


class JobItem:
    """One job of ``add_many``: what ``add`` takes, as a value."""

    __slots__ = ("data", "name", "options")

    def __init__(self, name: str, data: Any, **options: Unpack[JobOptions]) -> None:
        self.name = name
        self.data = data
        self.options: Mapping[str, Any] = options

    def __repr__(self) -> str:
        # Data stays out: it may be personal or secret.
        return f"{type(self).__name__}({self.name!r}, …)"
