"""How a connection to Redis is opened when it is given as a URL. What the URL says itself goes before."""

from __future__ import annotations

import os
from typing import Any

from bullmq_bridge.worker.settings import DEFAULT_REDIS_URL

CONNECT_TIMEOUT_S = 5.0
#: Longer than any script should take; a silent connection would otherwise be waited for without end.
ANSWER_TIMEOUT_S = 30.0
#: Connections at the same time; who needs one more waits.
#: (of a blocking client: a thread that waits for a job holds one)
SYNC_CONNECTIONS = 100
ASYNC_CONNECTIONS = 20
CONNECTION_WAIT_S = 30.0
#: Attempts at opening a connection, and at reads whose reply was lost, after the first.
RETRIES = 3
FIRST_RETRY_DELAY_S = 0.1
MAX_RETRY_DELAY_S = 1.0


def url_or_default(redis_url: str | None) -> str:
    """The URL, else ``REDIS_URL``, else Redis on this machine."""
    return redis_url or os.environ.get("REDIS_URL") or DEFAULT_REDIS_URL


def connection_settings(max_connections: int) -> dict[str, Any]:
    """Keyword arguments for a pool of redis-py, blocking or asyncio."""
    return {
        "protocol": 2,
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "socket_timeout": ANSWER_TIMEOUT_S,
        "socket_keepalive": True,
        "max_connections": max_connections,
        "timeout": CONNECTION_WAIT_S,
    }


def retry_delay_s(attempt: int) -> float:
    """How long to wait before the attempt after the one of this number, from 1."""
    return min(FIRST_RETRY_DELAY_S * 2.0 ** (attempt - 1), MAX_RETRY_DELAY_S)
