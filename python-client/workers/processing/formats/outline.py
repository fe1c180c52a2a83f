"""What a format reports besides the text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Outline:
    """Number of pages or sheets, where the format has them."""

    pages: int | None = None
    sheets: int | None = None
