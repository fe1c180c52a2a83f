import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from bullmq_bridge import Worker
from bullmq_bridge.contract.contract import QueueContract
from bullmq_bridge.worker import registry
from bullmq_bridge.worker.assembly import check
from bullmq_bridge.worker.connection import ReplyError
from bullmq_bridge.worker.registry import EXPIRY_MS, Registry

if TYPE_CHECKING:
    from bullmq_bridge.worker.link import Link


class NobodyElse:
    """A Redis that holds no other announcement, and remembers what it is told."""

    is_connected = True

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.error: ReplyError | None = None
        self.was_told = asyncio.Event()

    async def ask(self, *command: Any) -> Any:
        self.told.append(command)
        self.was_told.set()
        if self.error is not None:
            raise self.error
        return []

    async def announced(self, times: int) -> None:
        """Waits for so many announcements from now on."""
        wanted = self._announcements() + times
        while self._announcements() < wanted:
            self.was_told.clear()
            await self.was_told.wait()

    def _announcements(self) -> int:
        return sum(command[0] == "SET" for command in self.told)


@pytest.fixture
def contract(tmp_path: Path) -> QueueContract:
    (tmp_path / "any.json").write_text("{}")
    jobs = {name: {"data": "any.json", "result": "any.json", "fingerprint": name} for name in ("send", "remind")}
    (tmp_path / "contract.json").write_text(json.dumps({"version": 1, "queues": {"mail": {"jobs": jobs}}}))
    return QueueContract.load(tmp_path, "mail")


@pytest.fixture
def worker() -> Worker:
    worker = Worker("mail", prefix="app", announce="refuse")
    worker.job("send")(lambda _: None)
    return worker


def registry_of(worker: Worker, contract: QueueContract, redis: NobodyElse) -> Registry:
    return Registry(worker, worker.settings({}), contract, cast("Link", redis))


def test_a_worker_is_announced_with_an_expiry_renewed_and_taken_back(
    worker: Worker, contract: QueueContract, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "RENEWAL_S", 0.001)
    redis = NobodyElse()

    async def live() -> None:
        announced = registry_of(worker, contract, redis)
        await announced.begin()
        await redis.announced(times=2)
        redis.error = ReplyError("READONLY")
        await redis.announced(times=2)
        redis.error = None
        await announced.end()

    asyncio.run(asyncio.wait_for(live(), 5))
    _, key, text, *expiry = redis.told[0]
    assert key.startswith("bullmq-bridge:app:mail:worker:")
    assert expiry == ["PX", EXPIRY_MS]
    assert json.loads(text)["jobs"] == {
        "send": {"fingerprint": "send", "past": {}, "processor": True},
        "remind": {"fingerprint": "remind", "past": {}, "processor": False},
    }
    assert [command[:2] for command in redis.told[-2:]] == [("DEL", key), ("SREM", "bullmq-bridge:app:mail:workers")]


def test_commands_that_redis_refuses_are_told(worker: Worker, contract: QueueContract) -> None:
    redis = NobodyElse()
    redis.error = ReplyError("NOPERM no permissions")
    with pytest.raises(ValueError, match="cannot announce its contract: Redis answers NOPERM"):
        asyncio.run(registry_of(worker, contract, redis).begin())


def test_a_worker_without_a_contract_has_nothing_to_announce(worker: Worker) -> None:
    with pytest.raises(ValueError, match="announce needs a contract"):
        check(worker, worker.settings({}))
