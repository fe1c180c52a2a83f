"""Operations on a blocking client of redis-py."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import TYPE_CHECKING, Any, TypeVar

import redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from bullmq_bridge.client.commands import encoded
from bullmq_bridge.client.errors import ClientClosed, allow_another_attempt
from bullmq_bridge.client.redis_versions import connection_arguments, idle_connections_only
from bullmq_bridge.client.settings import (
    FIRST_RETRY_DELAY_S,
    MAX_RETRY_DELAY_S,
    RETRIES,
    SYNC_CONNECTIONS,
    connection_settings,
    retry_delay_s,
    url_or_default,
)
from bullmq_bridge.protocol.exchange import Pause

if TYPE_CHECKING:
    from bullmq_bridge.client.backend_check import BackendCheck
    from bullmq_bridge.protocol.exchange import Exchange, Reply, Steps

T = TypeVar("T")


class SyncClient:
    """Runs operations, one connection of the pool each; safe to use from several threads.

    It speaks to connections directly, not through the client's commands: replies stay bytes whatever the client
    decodes, and what Redis may have run is not sent again as the client's own retries would.

    Args:
        redis_url: where Redis is, when there is no client.
        client: the user's own; it is used and never closed.
        check: goes before the operations until it has passed.

    Raises:
        TypeError: the client is no ``redis.Redis``.
        ValueError: there are both.
    """

    def __init__(
        self, redis_url: str | None = None, client: redis.Redis | None = None, check: BackendCheck | None = None
    ) -> None:
        if client is None:
            retry = Retry(ExponentialBackoff(MAX_RETRY_DELAY_S, FIRST_RETRY_DELAY_S), RETRIES)
            url = url_or_default(redis_url)
            self._pool: Any = redis.BlockingConnectionPool.from_url(
                url, retry=retry, **connection_settings(SYNC_CONNECTIONS)
            )
        elif redis_url is not None:
            raise ValueError("give either redis_url or client, not both")
        elif not isinstance(client, redis.Redis):
            raise TypeError(
                f"client must be a redis.Redis, not {type(client).__name__} "
                "(the asyncio classes take a redis.asyncio.Redis)"
            )
        else:
            self._pool = client.connection_pool
        self._owned = client is None
        self._busy: set[Any] = set()
        self._closed = False
        self._check = check
        self._connection_arguments = connection_arguments(self._pool)

    def run(self, steps: Steps[T]) -> T:
        """The result of an operation.

        Raises:
            AnswerLost: the connection was lost at a command that changes something.
            ClientClosed: ``close`` was called.
            redis.RedisError: Redis is not reachable, or refused a command.
            VersionMismatch: the backend runs a BullMQ beside which the scripts must not be run.
        """
        if self._check is not None and not self._check.has_passed:
            steps = self._check.before(steps)
        try:
            request = next(steps)
            while True:
                try:
                    if isinstance(request, Pause):
                        time.sleep(request.seconds)
                        replies = []
                    else:
                        replies = self._exchange(request)
                except Exception as error:
                    request = steps.throw(error)
                else:
                    request = steps.send(replies)
        except StopIteration as end:
            result: T = end.value
            return result

    def close(self) -> None:
        """Ends what is waiting for a reply, and closes the connections unless they are the user's."""
        self._closed = True
        for connection in list(self._busy):
            _interrupt(connection)
        if self._owned:
            # The others are ended by the threads that use them.
            self._pool.disconnect(**idle_connections_only(self._pool))

    def _exchange(self, exchange: Exchange) -> list[Reply]:
        attempt = 1
        while True:
            if self._closed:
                raise ClientClosed("this client is closed")
            connection = self._pool.get_connection(*self._connection_arguments)
            try:
                return self._converse(connection, exchange)
            except Exception as error:
                allow_another_attempt(error, attempt=attempt, repeatable=exchange.repeatable, closed=self._closed)
            time.sleep(retry_delay_s(attempt))
            attempt += 1

    def _converse(self, connection: Any, exchange: Exchange) -> list[Reply]:
        self._busy.add(connection)
        try:
            if self._closed:
                raise ClientClosed("this client is closed")
            connection.send_packed_command(connection.pack_commands(encoded(exchange.commands)))
            return [_read(connection, exchange.timeout_s) for _ in exchange.commands]
        except BaseException:
            # Whatever is still on its way must not be taken for the reply to somebody else's command.
            connection.disconnect()
            raise
        finally:
            self._busy.discard(connection)
            self._pool.release(connection)


def _interrupt(connection: Any) -> None:
    """Ends a connection that another thread uses: that thread notices, and puts it away itself."""
    opened = getattr(connection, "_sock", None)
    if isinstance(opened, socket.socket):
        with contextlib.suppress(OSError):
            opened.shutdown(socket.SHUT_RDWR)


def _read(connection: Any, timeout_s: float | None) -> Reply:
    if timeout_s is not None and not connection.can_read(timeout_s):
        raise RedisTimeoutError(f"no reply within {timeout_s} s")
    try:
        return connection.read_response(disable_decoding=True)
    except ResponseError as error:
        return error
