"""Plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.processing.formats.decoding import decode
from workers.processing.formats.outline import Outline

if TYPE_CHECKING:
    from pathlib import Path

    from workers.processing.limits import Limits
    from workers.processing.transcript import Transcript


def extract(path: Path, transcript: Transcript, _limits: Limits) -> Outline:
    """Read the whole file."""
    transcript.add(decode(path.read_bytes()))
    return Outline()
