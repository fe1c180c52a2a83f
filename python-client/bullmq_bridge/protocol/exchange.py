"""What is asked of Redis, as values: commands go out together, their replies come back in order.

An operation is a generator (``Steps``): it yields exchanges and pauses, is sent the replies and returns its result.
So one operation serves a blocking and an asyncio connection alike. A connection that is lost is thrown into it.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from redis.exceptions import NoScriptError, ResponseError

if TYPE_CHECKING:
    from bullmq_bridge.protocol.bundle import Script
    from bullmq_bridge.protocol.command import Argument, Command

T = TypeVar("T")

#: A reply as redis-py reads it without decoding: bytes, int, None, list, or a ``ResponseError`` that Redis answered.
Reply = Any


@dataclass(frozen=True, slots=True)
class Exchange:
    """Commands that are sent in one write.

    Args:
        commands: each has one reply.
        repeatable: whether the client sends them again by itself when the connection is lost before the replies
            came: nobody knows then whether they were run.
        timeout_s: how long to wait for a reply; None: as long as the connection is set to.
    """

    commands: Sequence[Command]
    repeatable: bool
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing is sent for so long."""

    seconds: float


Steps = Generator[Exchange | Pause, list[Reply], T]


@dataclass(frozen=True, slots=True)
class ScriptCall:
    """A call of one of BullMQ's scripts."""

    script: Script
    keys: Sequence[Argument]
    arguments: Sequence[Argument]

    @property
    def command(self) -> Command:
        """The call by the script's SHA1, as Node sends it: both sides share the server's script cache."""
        return ("EVALSHA", self.script.sha1, len(self.keys), *self.keys, *self.arguments)


def ask(*commands: Command) -> Steps[list[Reply]]:
    """Replies to commands that read; an error is raised.

    Raises:
        redis.ResponseError: what Redis answered.
    """
    replies = yield Exchange(commands, repeatable=True)
    return _checked(replies)


def tell(*commands: Command) -> Steps[list[Reply]]:
    """Replies to commands that write: sent once, however it ends.

    Raises:
        redis.ResponseError: what Redis answered.
    """
    replies = yield Exchange(commands, repeatable=False)
    return _checked(replies)


def run(call: ScriptCall, *, reads: bool = False) -> Steps[Reply]:
    """The reply of a script; it is loaded first where the server does not have it.

    Args:
        call: the script and its arguments.
        reads: it changes nothing, so that it may be sent again.

    Raises:
        redis.ResponseError: what Redis answered.
    """
    replies = yield Exchange([call.command], repeatable=reads)
    if isinstance(replies[0], NoScriptError):
        # Not run, so that sending it again is safe. Server restart, failover, SCRIPT FLUSH.
        replies = yield Exchange([_load(call.script), call.command], repeatable=reads)
    return _checked(replies)[-1]


def read_together(calls: Sequence[Command | ScriptCall]) -> Steps[list[Reply]]:
    """Replies to several reads that are sent in one write (without a transaction).

    Raises:
        redis.ResponseError: what Redis answered.
    """
    commands = [call.command if isinstance(call, ScriptCall) else call for call in calls]
    replies = yield Exchange(commands, repeatable=True)
    if any(isinstance(reply, NoScriptError) for reply in replies):
        loads = [_load(script) for script in _scripts([c for c in calls if isinstance(c, ScriptCall)])]
        replies = yield Exchange([*loads, *commands], repeatable=True)
        replies = replies[len(loads) :]
    return _checked(replies)


def transaction(calls: Sequence[ScriptCall]) -> Steps[list[Reply]]:
    """Replies of scripts that are run as one: all of them or none.

    Raises:
        redis.ResponseError: what Redis answered.
    """
    # Loaded inside the transaction: a script that was missing at EXEC would fail alone, and a flow without some of
    # its children would be let go. A script cache can vanish at any moment (restart, failover, SCRIPT FLUSH).
    loads = [_load(script) for script in _scripts(calls)]
    commands: list[Command] = [("MULTI",), *loads, *(call.command for call in calls), ("EXEC",)]
    replies = yield Exchange(commands, repeatable=False)
    # When EXEC was refused, the reply that says why is that of an earlier command.
    results: list[Reply] = _checked(replies)[-1]
    return _checked(results[len(loads) :])


def _load(script: Script) -> Command:
    return ("SCRIPT", "LOAD", script.source)


def _scripts(calls: Sequence[ScriptCall]) -> list[Script]:
    return list({call.script.sha1: call.script for call in calls}.values())


def _checked(replies: list[Reply]) -> list[Reply]:
    for reply in replies:
        if isinstance(reply, ResponseError):
            raise reply
    return replies


def text(reply: Reply) -> str:
    """A reply as text; what is not UTF-8 is replaced, as Node does."""
    return reply.decode("utf-8", "replace") if isinstance(reply, bytes) else str(reply)


def optional_text(reply: Reply) -> str | None:
    """A reply as text, None when there is none."""
    return None if reply is None else text(reply)


def pairs(reply: Reply) -> dict[bytes, bytes]:
    """A hash: a flat list of fields and values, or already a map (RESP3)."""
    if isinstance(reply, dict):
        return reply
    return dict(zip(reply[::2], reply[1::2], strict=True))
