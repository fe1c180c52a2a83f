"""Waiting for work: BZPOPMIN on the queue's marker, on a connection of its own."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from bullmq_bridge.worker.connection import CONNECT_TIMEOUT_S, Connection, ConnectionLost, ReplyError

if TYPE_CHECKING:
    from bullmq_bridge.worker.settings import Settings

logger = logging.getLogger("bullmq_bridge.worker")

# What the server may take beyond the time it was asked to block (Node: waitForJob's watchdog, bullmq 6.7.0).
WATCHDOG_S = 1.0
RECONNECT_DELAY_S = 1.0


class Marker:
    """The blocking connection. Its client name is how Node's ``getWorkers`` sees the worker."""

    def __init__(self, settings: Settings, key: str, client_name: str) -> None:
        self._settings = settings
        self._key = key
        self._client_name = client_name
        self._connection: Connection | None = None
        self.client_id: int | None = None

    async def connect(self) -> None:
        """Opens the connection if it is not open.

        Raises:
            redis.RedisError, OSError, asyncio.TimeoutError: it cannot be opened.
        """
        if self._connection is None or self._connection.closed:
            self._connection = await Connection.open(self._settings.redis_url, self._client_name)
            self.client_id = await asyncio.wait_for(self._connection.call("CLIENT", "ID"), CONNECT_TIMEOUT_S)

    async def show(self) -> None:
        """Opens the connection before it is needed: Node sees a worker that is busy from its start, too."""
        try:
            await self.connect()
        except (ConnectionLost, RedisError, ReplyError, OSError, asyncio.TimeoutError) as error:
            logger.warning("queue %s: no blocking connection yet: %s", self._key, error)
            self.close()

    async def wait(self, timeout_s: float) -> tuple[str, float] | None:
        """Waits until the marker is set: its member ("0": there is work, "1": a delayed job) and score.

        None: nothing came within the time, or the connection was lost; then the queue must be asked.
        """
        try:
            await self.connect()
            assert self._connection is not None
            waiting = self._connection.call("BZPOPMIN", self._key, f"{timeout_s:.3f}")
            popped = await asyncio.wait_for(waiting, timeout_s + WATCHDOG_S)
        except asyncio.TimeoutError:
            logger.warning("queue %s: the blocking connection did not answer in time; opened again", self._key)
            self.close()
            return None
        except (ConnectionLost, RedisError, ReplyError, OSError) as error:
            logger.warning("queue %s: waiting for jobs was interrupted: %s", self._key, error)
            self.close()
            await asyncio.sleep(RECONNECT_DELAY_S)
            return None
        if popped is None:
            return None
        _, member, score = popped
        return member.decode(), float(score)

    def close(self) -> None:
        """Ends the connection."""
        if self._connection is not None:
            self._connection.abort()
            self._connection = None
