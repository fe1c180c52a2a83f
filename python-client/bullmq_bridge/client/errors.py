"""What can go wrong between this process and Redis."""

from __future__ import annotations

from redis.exceptions import BusyLoadingError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bullmq_bridge.client.settings import RETRIES


class AnswerLost(ConnectionError):
    """The connection ended before Redis answered a command that changes something: it may have been run, or not.

    It is not sent again by itself, because it might then be run twice.
    """


class ClientClosed(ConnectionError):
    """It was closed, by this thread or another. A command that was on its way may have been run, or not."""


def allow_another_attempt(error: Exception, *, attempt: int, repeatable: bool, closed: bool) -> None:
    """Returns when commands that ended in this error may be sent again.

    Args:
        error: what they ended in.
        attempt: how often they have been sent.
        repeatable: whether they may be sent again though Redis may have run them.
        closed: whether the client was closed meanwhile.

    Raises:
        AnswerLost: they may have been run.
        ClientClosed: the client was closed.
        Exception: the error itself.
    """
    if closed:
        # (redis-py may stumble in any way over a connection that is closed under its hands)
        raise ClientClosed("this client was closed") from error
    if isinstance(error, (RedisConnectionError, RedisTimeoutError)) and not isinstance(error, BusyLoadingError):
        if not repeatable:
            raise AnswerLost(f"Redis did not answer ({error}): nobody knows whether it did it") from error
    elif not isinstance(error, BusyLoadingError):  # Redis is still starting: nothing was run
        raise error
    if attempt > RETRIES:
        raise error
