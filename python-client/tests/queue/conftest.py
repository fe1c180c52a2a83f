from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import redis
import redis.asyncio

from bullmq_bridge import AsyncFlow, AsyncQueue, AsyncQueueEvents, Flow, Queue, QueueEvents

from .proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FORMS: dict[type, type] = {Queue: AsyncQueue, Flow: AsyncFlow, QueueEvents: AsyncQueueEvents}


class Awaiting:
    """An object of the asyncio form, used like one of the blocking form: each call runs the event loop."""

    def __init__(self, inner: Any, runner: asyncio.AbstractEventLoop) -> None:
        self._inner = inner
        self._runner = runner
        self.is_redis = isinstance(inner, redis.asyncio.Redis)

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._inner, name)
        if not callable(member):
            return member
        return lambda *args, **kwargs: self._runner.run_until_complete(member(*args, **kwargs))


class Opener:
    """Opens queues, flows and listeners in one of both forms, and closes them."""

    def __init__(self, url: str, prefix: str, asynchronous: bool) -> None:
        self.url = url
        self.prefix = prefix
        self.asynchronous = asynchronous
        self._loop = asyncio.new_event_loop() if asynchronous else None
        self._opened: list[Any] = []

    def __call__(self, kind: type, name: str = "q", **settings: Any) -> Any:
        where = {} if "client" in settings or "redis_url" in settings else {"redis_url": self.url}
        settings = {"prefix": self.prefix, **where, **settings}
        opened = kind(name, **settings) if self._loop is None else Awaiting(FORMS[kind](name, **settings), self._loop)
        self._opened.append(opened)
        return opened

    def own_client(self, url: str, **settings: Any) -> Any:
        """A client of redis-py in this form, as a user would make it."""
        kind = redis.Redis if self._loop is None else redis.asyncio.Redis
        client: Any = kind.from_url(url, **settings)
        self._opened.append(client if self._loop is None else Awaiting(client, self._loop))
        return client

    def keep(self, opened: Any) -> None:
        """Closes something else at the end, too."""
        self._opened.append(opened)

    def close(self) -> None:
        for opened in self._opened:
            opened.aclose() if isinstance(opened, Awaiting) and opened.is_redis else opened.close()
        if self._loop is not None:
            self._loop.close()


@pytest.fixture
def redis_url() -> str:
    url = os.environ.get("REDIS_URL")
    if not url:
        pytest.skip("needs a Redis: set REDIS_URL, or run `npm test`")
    return url


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    """A client of the test itself; text is decoded."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as opened:
        yield opened


@pytest.fixture
def prefix(client: redis.Redis) -> Iterator[str]:
    """Keys of the test begin with it, and are gone afterwards."""
    name = f"test-{uuid.uuid4()}"
    yield name
    for key in client.scan_iter(f"{name}:*", count=1000):
        client.unlink(key)


@pytest.fixture(params=["blocking", "asyncio"])
def opener(request: pytest.FixtureRequest, redis_url: str, prefix: str) -> Iterator[Opener]:
    """Opens the classes in both forms: the test runs once for each."""
    opened = Opener(redis_url, prefix, request.param == "asyncio")
    yield opened
    opened.close()


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    """Stands between a client and Redis, and can spoil what goes through."""
    running = Proxy(redis_url)
    yield running
    running.close()


@pytest.fixture
def start_redis(tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Starts a server that the test may disturb; gives its URL. Called again, it starts the same one again."""
    binary = os.environ.get("REDIS_SERVER")
    if not binary:
        pytest.skip("needs a server of its own: set REDIS_SERVER to a redis-server or valkey-server, or run `npm test`")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    processes: list[subprocess.Popen[bytes]] = []

    def start() -> str:
        for process in processes:
            process.kill()
            process.wait()
        command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"]
        processes.append(subprocess.Popen([*command, "--dir", str(tmp_path)], stdout=subprocess.DEVNULL))
        url = f"redis://127.0.0.1:{port}"
        wait_until(lambda: _answers(url))
        return url

    yield start
    for process in processes:
        process.kill()
        process.wait()


def _answers(url: str) -> bool:
    with redis.Redis.from_url(url) as opened:
        try:
            return bool(opened.ping())
        except redis.ConnectionError:
            return False


def wait_until(condition: Callable[[], Any], timeout_s: float = 10.0) -> None:
    """Waits until something holds."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
