"""Operations on an asyncio client of redis-py."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bullmq_bridge.client.commands import encoded
from bullmq_bridge.client.errors import ClientClosed, allow_another_attempt
from bullmq_bridge.client.redis_versions import connection_arguments
from bullmq_bridge.client.settings import (
    ASYNC_CONNECTIONS,
    FIRST_RETRY_DELAY_S,
    MAX_RETRY_DELAY_S,
    RETRIES,
    connection_settings,
    retry_delay_s,
    url_or_default,
)
from bullmq_bridge.protocol.exchange import Pause

if TYPE_CHECKING:
    from bullmq_bridge.client.backend_check import BackendCheck
    from bullmq_bridge.protocol.exchange import Exchange, Reply, Steps

T = TypeVar("T")


class AsyncClient:
    """Runs operations, one connection of the pool each; to be used from one event loop.

    It speaks to connections directly, not through the client's commands: replies stay bytes whatever the client
    decodes, and what Redis may have run is not sent again as the client's own retries would.

    Args:
        redis_url: where Redis is, when there is no client.
        client: the user's own; it is used and never closed.
        check: goes before the operations until it has passed.

    Raises:
        TypeError: the client is no ``redis.asyncio.Redis``.
        ValueError: there are both.
    """

    def __init__(
        self, redis_url: str | None = None, client: redis.asyncio.Redis | None = None, check: BackendCheck | None = None
    ) -> None:
        if client is None:
            retry = Retry(ExponentialBackoff(MAX_RETRY_DELAY_S, FIRST_RETRY_DELAY_S), RETRIES)
            url = url_or_default(redis_url)
            self._pool: Any = redis.asyncio.BlockingConnectionPool.from_url(
                url, retry=retry, **connection_settings(ASYNC_CONNECTIONS)
            )
        elif redis_url is not None:
            raise ValueError("give either redis_url or client, not both")
        elif not isinstance(client, redis.asyncio.Redis):
            raise TypeError(
                f"client must be a redis.asyncio.Redis, not {type(client).__name__} "
                "(the blocking classes take a redis.Redis)"
            )
        else:
            self._pool = client.connection_pool
        self._owned = client is None
        self._busy: set[Any] = set()
        self._closed = False
        self._check = check
        self._connection_arguments = connection_arguments(self._pool)

    async def run(self, steps: Steps[T]) -> T:
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
                        await asyncio.sleep(request.seconds)
                        replies = []
                    else:
                        replies = await self._exchange(request)
                except Exception as error:
                    request = steps.throw(error)
                else:
                    request = steps.send(replies)
        except StopIteration as end:
            result: T = end.value
            return result

    async def close(self) -> None:
        """Ends what is waiting for a reply, and closes the connections unless they are the user's."""
        self._closed = True
        for connection in list(self._busy):
            await connection.disconnect()
        if self._owned:
            await self._pool.disconnect()

    async def _exchange(self, exchange: Exchange) -> list[Reply]:
        attempt = 1
        while True:
            if self._closed:
                raise ClientClosed("this client is closed")
            if not exchange.repeatable:
                # The end of an idle connection is noticed only when the event loop comes round; better now than
                # after sending.
                await asyncio.sleep(0)
            connection = await self._pool.get_connection(*self._connection_arguments)
            try:
                return await self._converse(connection, exchange)
            except Exception as error:
                allow_another_attempt(error, attempt=attempt, repeatable=exchange.repeatable, closed=self._closed)
            await asyncio.sleep(retry_delay_s(attempt))
            attempt += 1

    async def _converse(self, connection: Any, exchange: Exchange) -> list[Reply]:
        self._busy.add(connection)
        try:
            if self._closed:
                raise ClientClosed("this client is closed")
            await connection.send_packed_command(connection.pack_commands(encoded(exchange.commands)))
            return [await _read(connection, exchange.timeout_s) for _ in exchange.commands]
        except BaseException:
            # Whatever is still on its way must not be taken for the reply to somebody else's command.
            await connection.disconnect(nowait=True)
            raise
        finally:
            self._busy.discard(connection)
            await self._pool.release(connection)


async def _read(connection: Any, timeout_s: float | None) -> Reply:
    try:
        if timeout_s is None:
            return await connection.read_response(disable_decoding=True)
        # redis-py answers None, like Redis itself, when a timeout that it is given is over. So it is given a longer
        # one, which only keeps it from its own.
        reading = connection.read_response(disable_decoding=True, timeout=timeout_s + 1)
        return await asyncio.wait_for(reading, timeout_s)
    except asyncio.TimeoutError:
        raise RedisTimeoutError(f"no reply within {timeout_s} s") from None
    except ResponseError as error:
        return error
