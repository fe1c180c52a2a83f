"""A command to Redis: a tuple of its arguments, or the bytes that are sent."""

from __future__ import annotations

from types import EllipsisType
from typing import TYPE_CHECKING, Any

import msgpack  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Sequence

Argument = str | bytes | int | float
Command = tuple[Argument, ...]

#: In a ``PreparedCommand``: an argument that changes.
CHANGES = ...

_PACKER = msgpack.Packer(use_bin_type=True)


def pack(value: Any) -> bytes:
    """Msgpack as the scripts' ``cmsgpack.unpack`` reads it (text as str, None left out by the reader)."""
    packed: bytes = _PACKER.pack(value)
    return packed


class PreparedCommand:
    """A command that is sent for every job, and of whose arguments few change: the others are packed once.

    Args:
        arguments: those that never change, and ``CHANGES`` for each that does.
    """

    def __init__(self, arguments: Sequence[str | bytes | EllipsisType]) -> None:
        constant = b"*%d\r\n" % len(arguments)
        self._constants: list[bytes] = []
        for argument in arguments:
            if isinstance(argument, EllipsisType):
                self._constants.append(constant + b"$")
                constant = b"\r\n"
            else:
                text = argument.encode() if isinstance(argument, str) else argument
                constant += b"$%d\r\n%b\r\n" % (len(text), text)
        self._last = constant
        self._format = b"%b%d\r\n%b" * len(self._constants) + b"%b"

    def pack(self, *changing: bytes) -> bytes:
        """The command with the arguments that change, as it is sent."""
        pieces: list[bytes | int] = []
        for constant, argument in zip(self._constants, changing, strict=True):
            pieces += (constant, len(argument), argument)
        return self._format % (*pieces, self._last)
