"""A command to Redis: a tuple of its arguments, or the bytes that are sent."""

from __future__ import annotations

from types import EllipsisType
from typing import TYPE_CHECKING, Any

import msgpack  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Argument = str | bytes | int | float
Command = tuple[Argument, ...]

#: In a ``template``: an argument that changes.
CHANGES = ...

_PACKER = msgpack.Packer(use_bin_type=True)


def pack(value: Any) -> bytes:
    """Msgpack as the scripts' ``cmsgpack.unpack`` reads it (text as str, None left out by the reader)."""
    packed: bytes = _PACKER.pack(value)
    return packed


def sent(arguments: Iterable[str | bytes]) -> bytes:
    """Arguments of a command as they are sent."""
    texts = (argument.encode() if isinstance(argument, str) else argument for argument in arguments)
    return b"".join(b"$%d\r\n%b\r\n" % (len(text), text) for text in texts)


def template(arguments: Sequence[str | bytes | EllipsisType], more: int) -> bytes:
    """A command that is sent for every job, for ``%``: of its arguments few change, the others are packed once.

    Args:
        arguments: those that never change, and ``CHANGES`` for each that does: its length and its bytes are to be put
            in.
        more: how many arguments follow; they are to be put in as they are sent.
    """
    packed = b"*%d\r\n" % (len(arguments) + more)
    for argument in arguments:
        packed += b"$%d\r\n%b\r\n" if isinstance(argument, EllipsisType) else sent((argument,)).replace(b"%", b"%%")
    return packed + b"%b"
