"""Lines to Redis that the engine opens for its children, which need no client library and no credentials so."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from redis.exceptions import RedisError

from bullmq_bridge.worker.connection import CONNECT_TIMEOUT_S, Connection, ConnectionLost, ReplyError
from bullmq_bridge.worker.recovery import Identity, identity_of


@dataclass(frozen=True, slots=True)
class LentLine:
    """A connection in nobody's use.

    Args:
        descriptor: of its socket; whoever has it must close it.
        identity: by which the server can end it.
    """

    descriptor: int
    identity: Identity


async def open_line(redis_url: str) -> LentLine | None:
    """A connection for a child, if there can be one: not with TLS, whose state cannot be handed to another process,
    and not where the server does not tell who a connection is.
    """
    if urlsplit(redis_url).scheme == "rediss":
        return None
    try:
        connection = await Connection.open(redis_url)
    except (RedisError, OSError):
        return None
    try:
        identity = await asyncio.wait_for(identity_of(connection.call), CONNECT_TIMEOUT_S)
        return LentLine(os.dup(connection.fileno()), identity)
    except (ReplyError, ConnectionLost, OSError, asyncio.TimeoutError):
        return None
    finally:
        # Its own copy of the descriptor: the connection goes on.
        connection.abort()
