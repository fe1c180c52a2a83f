"""Tells the producers of a queue, through Redis, which contract a worker reads, and looks at theirs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import uuid
from typing import TYPE_CHECKING, Any

from bullmq_bridge.worker.connection import ReplyError
from bullmq_bridge.worker.mismatch import ContractMismatch, reports

if TYPE_CHECKING:
    from bullmq_bridge.contract.contract import QueueContract
    from bullmq_bridge.worker.link import Link
    from bullmq_bridge.worker.settings import Settings
    from bullmq_bridge.worker.worker import Worker

logger = logging.getLogger("bullmq_bridge.worker")

#: How long an announcement stands if nobody renews it. The TypeScript side has the same (``registry/registry.ts``).
EXPIRY_MS = 30_000
#: Three renewals may get lost before others take a worker for dead.
RENEWAL_S = EXPIRY_MS / 1000 / 3
WITHDRAW_TIMEOUT_S = 1.0


class Registry:
    """The announcement of one worker, for as long as it lives.

    The keys do not begin with BullMQ's prefix, so that nothing of BullMQ sees or removes them.
    """

    def __init__(self, worker: Worker, settings: Settings, contract: QueueContract, link: Link) -> None:
        self._settings = settings
        self._link = link
        self._id = str(uuid.uuid4())
        self._base = f"bullmq-bridge:{settings.prefix}:{settings.queue}"
        self._jobs = {name: _announced(contract, name, worker) for name in contract.names()}
        self._renewing: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Announces the worker, looks at live producers, and renews the announcement from then on.

        Raises:
            ContractMismatch: a live producer does not go together with this worker, and ``announce`` says ``refuse``.
            ValueError: Redis refuses the commands.
        """
        try:
            # Announced first: of two who start at the same time, at least one sees the other.
            await self._announce()
            found = [
                f"Producer {producer['who']}:\n{report}"
                for producer in await self._live_producers()
                for report in reports(self._settings.queue, producer["jobs"], self._jobs)
            ]
        except ReplyError as error:
            raise ValueError(f"it cannot announce its contract: Redis answers {error}") from None
        if found:
            text = "live producers do not go together with it.\n" + "\n".join(found)
            if self._settings.announce == "refuse":
                raise ContractMismatch(text)
            logger.warning("the worker of queue %s starts, but %s", self._settings.queue, text)
        self._renewing = asyncio.get_running_loop().create_task(self._renew())

    async def end(self) -> None:
        """Takes the announcement back. Without a connection, it expires."""
        if self._renewing is not None:
            self._renewing.cancel()
        if self._link.is_connected:
            with contextlib.suppress(ReplyError, asyncio.TimeoutError):
                await asyncio.wait_for(self._withdraw(), WITHDRAW_TIMEOUT_S)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEWAL_S)
            # Refused once, it comes again.
            with contextlib.suppress(ReplyError):
                await self._announce()

    async def _announce(self) -> None:
        text = json.dumps({"who": f"{socket.gethostname()}:{os.getpid()}", "jobs": self._jobs})
        await self._link.ask("SET", f"{self._base}:worker:{self._id}", text, "PX", EXPIRY_MS)
        await self._link.ask("SADD", f"{self._base}:workers", self._id)
        await self._link.ask("PEXPIRE", f"{self._base}:workers", EXPIRY_MS)

    async def _withdraw(self) -> None:
        await self._link.ask("DEL", f"{self._base}:worker:{self._id}")
        await self._link.ask("SREM", f"{self._base}:workers", self._id)

    async def _live_producers(self) -> list[dict[str, Any]]:
        ids = [each.decode() for each in await self._link.ask("SMEMBERS", f"{self._base}:producers")]
        texts = await self._link.ask("MGET", *(f"{self._base}:producer:{each}" for each in ids)) if ids else []
        # An id without an announcement is of one that has died; a TypeScript side that looks takes it away.
        return [json.loads(text) for text in texts if text is not None]


def _announced(contract: QueueContract, name: str, worker: Worker) -> dict[str, Any]:
    job = contract.job(name)
    return {"fingerprint": job.fingerprint, "past": job.verdicts, "processor": name in worker.processors}
