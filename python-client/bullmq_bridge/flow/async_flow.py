"""Flows, for asyncio."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bullmq_bridge.client.async_client import AsyncClient
from bullmq_bridge.flow.planting import Planting
from bullmq_bridge.protocol.keys import DEFAULT_PREFIX

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from types import TracebackType

    import redis.asyncio
    from typing_extensions import Self

    from bullmq_bridge.flow.flow_job import FlowJob, FlowTree


class AsyncFlow:
    """Adds jobs together with the jobs that they wait for, in one event loop, as ``Flow`` does.

    Args:
        queue: the queue of every job that names none.
        contract: folder that ``bullmq-bridge emit`` wrote; it must have every queue that the flow names.
        redis_url: where Redis is; default ``REDIS_URL``, else ``redis://127.0.0.1:6379``.
        client: your own ``redis.asyncio.Redis`` in place of a URL. It is used, and never closed.
        prefix: BullMQ's ``prefix``.
        bundle: file of BullMQ's scripts; default ``BULLMQ_BRIDGE_BUNDLE``, else the one in the package.
        allow_version_mismatch: publish beside a BullMQ that does not fit the bundle, though jobs can get lost; default
            ``BULLMQ_BRIDGE_ALLOW_VERSION_MISMATCH``, else no.

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
        allow_version_mismatch: bool | None = None,
    ) -> None:
        self._planting = Planting(queue, contract, prefix, bundle, allow_version_mismatch)
        self._client = AsyncClient(redis_url, client, self._planting.check)

    async def add(self, flow: FlowJob) -> FlowTree:
        """See ``Flow.add``."""
        return await self._client.run(self._planting.add(flow))

    async def add_many(self, flows: Sequence[FlowJob]) -> list[FlowTree]:
        """See ``Flow.add_many``."""
        return await self._client.run(self._planting.add_many(flows))

    async def close(self) -> None:
        """Closes the connections, unless they are yours."""
        await self._client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
