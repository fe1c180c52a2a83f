"""The events of a queue, for asyncio."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from bullmq_bridge.client.async_client import AsyncClient
from bullmq_bridge.client.errors import ClientClosed
from bullmq_bridge.events.event import JobEvent
from bullmq_bridge.events.finish import Deadline
from bullmq_bridge.events.listening import open_listening
from bullmq_bridge.events.stream import BEFORE_ALL, BLOCK_S
from bullmq_bridge.protocol.keys import DEFAULT_PREFIX
from bullmq_bridge.queue.errors import JobNotFound
from bullmq_bridge.queue.upkeep import job_id_of

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterator
    from types import TracebackType

    import redis.asyncio
    from typing_extensions import Self

    from bullmq_bridge.events.event import QueueEvent
    from bullmq_bridge.events.finish import Awaited, Finish
    from bullmq_bridge.queue.job_view import JobView

#: How often a job that is waited for is looked at, whatever the events say: they can be trimmed before they are read.
RECHECK_S = 30.0


class AsyncQueueEvents:
    """Listens to a queue, in one event loop, as ``QueueEvents`` does.

    Whatever the number of jobs that are waited for at the same time, one connection listens for all of them.

    Args:
        queue: the queue's name.
        contract: folder that ``bullmq-bridge emit`` wrote: results that were waited for are checked against it.
        redis_url: where Redis is; default ``REDIS_URL``, else ``redis://127.0.0.1:6379``.
        client: your own ``redis.asyncio.Redis`` in place of a URL. It is used, and never closed; listening holds one
            connection of its pool, waiting for jobs another.
        prefix: BullMQ's ``prefix``.
        bundle: file of BullMQ's scripts; default ``BULLMQ_BRIDGE_BUNDLE``, else the one in the package.
        last_id: id of the last event that is known; ``"0-0"``: from the oldest that Redis has.

    Raises:
        BundleError: there are no scripts to call.
        ContractError: the contract cannot be read, or has no such queue.
        TypeError: the client is no ``redis.asyncio.Redis``.
        ValueError: the queue has no proper name, or there are both URL and client.
    """

    def __init__(
        self,
        queue: str,
        *,
        contract: str | os.PathLike[str] | None = None,
        redis_url: str | None = None,
        client: redis.asyncio.Redis | None = None,
        prefix: str = DEFAULT_PREFIX,
        bundle: str | os.PathLike[str] | None = None,
        last_id: str | None = None,
    ) -> None:
        listening = open_listening(queue, contract, prefix, bundle)
        self._stream = listening.stream
        self._finishing = listening.finishing
        self._client = AsyncClient(redis_url, client)
        self._waiting: dict[str, dict[asyncio.Future[Finish], Awaited]] = {}
        self._following: asyncio.Task[None] | None = None
        self._beginning = asyncio.Lock()
        self.last_id = last_id
        """Id of the last event that was given; None before ``start``. Keep it to go on there another time."""

    async def start(self) -> None:
        """See ``QueueEvents.start``."""
        if self.last_id is None:
            self.last_id = await self._client.run(self._stream.last_id())

    async def read(self, timeout_s: float | None = None) -> list[QueueEvent]:
        """See ``QueueEvents.read``."""
        events = await self._next(timeout_s)
        if events:
            self.last_id = events[-1].id
        return events

    async def __aiter__(self) -> AsyncIterator[QueueEvent]:
        """Events as they come, until ``close``."""
        while True:
            try:
                events = await self._next(None)
            except ClientClosed:
                return
            for event in events:
                self.last_id = event.id
                yield event

    async def wait_until_finished(self, job: JobView | str, timeout_s: float | None = None) -> Any:
        """See ``QueueEvents.wait_until_finished``."""
        deadline = Deadline(timeout_s)
        job_id = job_id_of(job)
        awaited = await self._client.run(
            self._finishing.stubbornly(lambda: self._finishing.awaited(job), job_id, deadline)
        )
        future: asyncio.Future[Finish] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(job_id, {})[future] = awaited
        try:
            # Before the check: whatever happens after it is heard.
            await self._follow(job_id, deadline)
            finish = await self._check(awaited, deadline)
            while finish is None:
                if not deadline.left_s(RECHECK_S):
                    raise self._finishing.too_late(job_id, deadline)
                await asyncio.wait({future}, timeout=deadline.left_s(RECHECK_S))
                finish = future.result() if future.done() else await self._check(awaited, deadline)
        finally:
            del self._waiting[job_id][future]
            if not self._waiting[job_id]:
                del self._waiting[job_id]
            future.cancel()
        final = finish
        return await self._client.run(
            self._finishing.stubbornly(lambda: self._finishing.result(final, awaited), job_id, deadline)
        )

    async def close(self) -> None:
        """Ends listening and waiting, and closes the connections unless they are yours."""
        await self._client.close()
        if self._following is not None:
            await asyncio.wait({self._following})

    async def _next(self, timeout_s: float | None) -> list[QueueEvent]:
        await self.start()
        deadline = Deadline(timeout_s)
        while True:
            events = await self._client.run(self._stream.read(self.last_id or BEFORE_ALL, deadline.left_s(BLOCK_S)))
            if events or not deadline.left_s(BLOCK_S):
                return events

    async def _check(self, awaited: Awaited, deadline: Deadline) -> Finish | None:
        return await self._client.run(
            self._finishing.stubbornly(lambda: self._finishing.check(awaited), awaited.id, deadline)
        )

    async def _follow(self, job_id: str, deadline: Deadline) -> None:
        async with self._beginning:
            if self._following is None or self._following.done():
                after = await self._client.run(self._finishing.stubbornly(self._stream.last_id, job_id, deadline))
                self._following = asyncio.create_task(self._listen(after))

    async def _listen(self, after: str) -> None:
        """Tells those who wait, as long as there is one."""
        try:
            while self._waiting:
                for event in await self._client.run(self._stream.read(after, BLOCK_S)):
                    after = event.id
                    self._tell(event)
        except Exception as error:
            for futures in self._waiting.values():
                for future in futures:
                    if not future.done():
                        future.set_exception(error)

    def _tell(self, event: QueueEvent) -> None:
        futures = self._waiting.get(event.job_id, {}) if isinstance(event, JobEvent) else {}
        for future, awaited in futures.items():
            if future.done():
                continue
            try:
                finish = self._finishing.of_event(event, awaited)
            except JobNotFound as error:
                future.set_exception(error)
            else:
                if finish is not None:
                    future.set_result(finish)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
