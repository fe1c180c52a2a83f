"""A command to Redis as a tuple of its arguments."""

from __future__ import annotations

from typing import Any

import msgpack  # type: ignore[import-untyped]

Argument = str | bytes | int | float
Command = tuple[Argument, ...]

_PACKER = msgpack.Packer(use_bin_type=True)


def pack(value: Any) -> bytes:
    """Msgpack as the scripts' ``cmsgpack.unpack`` reads it (text as str, None left out by the reader)."""
    packed: bytes = _PACKER.pack(value)
    return packed
