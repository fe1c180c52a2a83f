"""A Redis server, as one sees it who checks it."""

from __future__ import annotations

import statistics
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

import redis

if TYPE_CHECKING:
    from types import TracebackType

ROUNDS = 20
TIMEOUT_S = 5.0


class Server:
    """A connection to a server, to be used in a ``with``.

    Every method raises ``redis.RedisError`` when it does not answer.

    Raises:
        ValueError: the URL is none of Redis.
    """

    def __init__(self, url: str) -> None:
        self.client: redis.Redis = redis.Redis.from_url(
            url, socket_connect_timeout=TIMEOUT_S, socket_timeout=TIMEOUT_S, decode_responses=True
        )

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()

    @cached_property
    def info(self) -> dict[str, Any]:
        """What INFO says."""
        info: Any = self.client.info()
        return dict(info)

    @property
    def product(self) -> str:
        """Redis or Valkey."""
        return "Valkey" if "valkey_version" in self.info else "Redis"

    @property
    def version(self) -> str:
        """Of the product."""
        return str(self.info.get("valkey_version") or self.info["redis_version"])

    @property
    def compatible_with(self) -> tuple[int, ...]:
        """The version of Redis whose commands it has."""
        return tuple(int(part) for part in str(self.info["redis_version"]).split(".") if part.isdigit())

    def round_trip_ms(self) -> float:
        """Median of some trips there and back."""
        return statistics.median(self._trip_ms() for _ in range(ROUNDS))

    def clock_ahead_s(self) -> float:
        """How far the server's clock is ahead of ours; exact to half a round trip."""
        before = time.time()
        seconds, microseconds = self.client.time()
        return float(seconds + microseconds / 1e6 - (before + time.time()) / 2)

    def _trip_ms(self) -> float:
        started = time.perf_counter()
        self.client.ping()
        return (time.perf_counter() - started) * 1000
