"""Checksum of a stored file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Checksum:
    """Size and SHA-256 of a file as it lies on the disk."""

    bytes: int
    sha256: str


def checksum(path: Path) -> Checksum:
    """Read the file once, block by block."""
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
            size += len(block)
    return Checksum(bytes=size, sha256=digest.hexdigest())
