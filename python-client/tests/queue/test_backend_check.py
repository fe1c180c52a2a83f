"""What publishing does beside another BullMQ, in both forms, on a real Redis."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from bullmq_bridge import Flow, FlowJob, Queue, VersionMismatch
from bullmq_bridge.protocol.bundle import load_bundle
from bullmq_bridge.protocol.mismatch import ALLOW_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis

    from .conftest import Opener

pytestmark = pytest.mark.redis


@pytest.fixture(autouse=True)
def _nothing_allowed_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ALLOW_VARIABLE, raising=False)


@pytest.fixture
def backend(client: redis.Redis, prefix: str) -> Callable[[str], None]:
    """Writes a version into the queue, as the backend's ``Queue`` does."""

    def write(version: str) -> None:
        client.hset(f"{prefix}:q:meta", "version", version)

    return write


@pytest.mark.parametrize("written", ["bullmq:5.81.5", "bullmq:5.41.0", "bullmq-pro:7.38.5"])
def test_nothing_is_sent_to_a_queue_that_the_scripts_do_not_fit(
    written: str, opener: Opener, client: redis.Redis, prefix: str, backend: Callable[[str], None]
) -> None:
    backend(written)
    queue, flow = opener(Queue), opener(Flow)
    for call in (lambda: queue.add("any", {}), queue.pause, queue.count, lambda: flow.add(FlowJob("any", {}))):
        with pytest.raises(VersionMismatch, match=r"^queue 'q': the backend runs BullMQ "):
            call()
    assert list(client.scan_iter(f"{prefix}:*")) == [f"{prefix}:q:meta"]
    assert client.hgetall(f"{prefix}:q:meta") == {"version": written}


def test_a_queue_that_was_refused_works_when_the_backend_fits(opener: Opener, backend: Callable[[str], None]) -> None:
    backend("bullmq:5.81.5")
    queue = opener(Queue)
    with pytest.raises(VersionMismatch):
        queue.count()
    backend(f"bullmq:{load_bundle().bullmq}")
    assert queue.count() == 0


@pytest.mark.parametrize("by_variable", [True, False])
def test_whoever_allows_it_is_warned_once(
    by_variable: bool,
    opener: Opener,
    backend: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    backend("bullmq:5.81.5")
    if by_variable:
        monkeypatch.setenv(ALLOW_VARIABLE, "true")
    settings = {} if by_variable else {"allow_version_mismatch": True}
    queue, flow = opener(Queue, **settings), opener(Flow, **settings)
    for _ in range(2):
        queue.add("any", {})
        flow.add(FlowJob("any", {}))
    assert queue.count() == 4
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2


@pytest.mark.parametrize(("written", "warnings"), [("bullmq:6.0.1", 1), ("lizard:1.0", 1), (None, 0)])
def test_another_release_is_warned_of_once_and_no_version_is_not(
    written: str | None,
    warnings: int,
    opener: Opener,
    backend: Callable[[str], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    if written:
        backend(written)
    queue = opener(Queue)
    for _ in range(2):
        queue.add("any", {})
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * warnings


def test_the_version_is_read_once(opener: Opener, client: redis.Redis) -> None:
    before = _reads(client)
    queue = opener(Queue)
    for _ in range(5):
        queue.is_paused()
    assert _reads(client) - before == 1


def _reads(client: redis.Redis) -> int:
    """How often HGET was called."""
    statistics = client.info("commandstats").get("cmdstat_hget")
    return int(statistics["calls"]) if statistics else 0
